{{ config(materialized='view', access='private', distributed_by='customer_id', line_by_line=true, tags=['staging']) }}

-- Lines that came back from a known customer before as_of: quantity, revenue and cost are negative.
SELECT
    o.source,
    o.order_id,
    o.line,
    o.customer_id,
    o.id_is_synthetic,
    o.ordered_at,
    {{ day_of('o.ordered_at') }} AS order_date,
    o.product_id,
    o.description,
    o.category,
    o.quantity,
    o.unit_price,
    o.discount,
    o.unit_cost,
    (o.quantity * o.unit_price * (1 - o.discount)) AS revenue,
    (o.quantity * o.unit_cost) AS cost,
    o.channel,
    o.country,
    o.currency
FROM {{ raw_rows('orders') }} AS o
WHERE o.customer_id <> ''
    AND o.ordered_at < {{ as_of }}
    AND o.quantity < 0
    AND o.unit_price >= 0
