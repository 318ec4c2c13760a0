{{ config(materialized='table', distributed_by='customer_id', refresh='keys', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['marts']) }}

-- One row for everybody who bought at least once. Who only sent goods back is not a customer yet
-- (the purchase lies before the data begin); data_quality counts them.
WITH totals AS (
    SELECT
        o.customer_id,
        bool_or(o.id_is_synthetic) AS id_is_synthetic,
        min(o.ordered_at) FILTER (WHERE NOT o.is_return) AS first_order_at,
        max(o.ordered_at) FILTER (WHERE NOT o.is_return) AS last_order_at,
        min(o.order_date) FILTER (WHERE NOT o.is_return) AS first_order_date,
        max(o.order_date) FILTER (WHERE NOT o.is_return) AS last_order_date,
        (count(*) FILTER (WHERE NOT o.is_return))::integer AS order_count,
        (count(*) FILTER (WHERE o.is_return))::integer AS return_count,
        COALESCE(sum(o.revenue) FILTER (WHERE NOT o.is_return), 0) AS gross_revenue,
        COALESCE(sum(-o.revenue) FILTER (WHERE o.is_return), 0) AS returned_revenue,
        sum(o.revenue) AS net_revenue,
        sum(o.profit) AS profit,
        min(o.currency) AS lowest_currency,
        max(o.currency) AS highest_currency,
        -- Country of the latest order; order id and source settle orders of the same instant.
        (array_agg(o.country ORDER BY o.ordered_at DESC, o.order_id DESC, o.source DESC)
            FILTER (WHERE NOT o.is_return AND o.country IS NOT NULL))[1] AS country,
        -- One sort for all that is asked of the first order.
        array_agg(ARRAY[o.channel, o.category, o.country] ORDER BY o.ordered_at, o.order_id, o.source)
            FILTER (WHERE NOT o.is_return) AS orders_in_time
    FROM {{ ref('customer_orders') }} AS o
    GROUP BY o.customer_id
)
SELECT
    t.customer_id,
    t.id_is_synthetic,
    t.first_order_at,
    t.last_order_at,
    t.first_order_date,
    t.last_order_date,
    t.order_count,
    t.return_count,
    t.gross_revenue,
    t.returned_revenue,
    t.net_revenue,
    round(t.gross_revenue / t.order_count, 4) AS average_order_value,
    t.profit,
    t.country,
    CASE WHEN t.lowest_currency = t.highest_currency THEN t.lowest_currency END AS currency,
    t.orders_in_time[1][1] AS first_channel,
    t.orders_in_time[1][2] AS first_category,
    t.orders_in_time[1][3] AS first_country
FROM totals AS t
WHERE t.order_count > 0
