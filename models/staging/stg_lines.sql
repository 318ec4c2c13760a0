{{ config(materialized='view', access='private', line_by_line=true, tags=['staging']) }}

-- All order lines as they were loaded, with their day. Tables that are refreshed line by line read the orders through it.
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
    o.channel,
    o.country,
    o.currency
FROM {{ raw_rows('orders') }} AS o
