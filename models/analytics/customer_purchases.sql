{{ config(materialized='table', access='private', distributed_by='customer_id', refresh='keys', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['analytics']) }}

-- Purchases of each customer in days: all orders of one day are one purchase. A return lowers the value of the
-- latest purchase up to its day, never below zero; what came back before the first purchase is left out.
-- A purchase worth nothing still counts as a purchase. The first purchase is not part of the mean value. The usual gap is the median of
-- the days between two purchases.
WITH days AS (
    SELECT
        o.customer_id,
        o.order_date,
        bool_or(NOT o.is_return) AS is_purchase,
        count(*) FILTER (WHERE NOT o.is_return) AS orders,
        -- Ten-thousandths, as they are: a sum of float8 hangs on the order of its rows.
        round(sum(o.revenue::float8)::numeric, 4)::float8 AS value,
        COALESCE(round(sum(-o.revenue::float8) FILTER (WHERE o.is_return)::numeric, 4), 0) AS returned,
        COALESCE(round(sum(o.unit_count::float8) FILTER (WHERE NOT o.is_return)::numeric, 4), 0) AS units
    FROM {{ ref('customer_orders') }} AS o
    GROUP BY o.customer_id, o.order_date
),
numbered_days AS (
    SELECT
        d.customer_id,
        d.order_date,
        d.orders,
        d.value,
        d.returned,
        d.units,
        count(*) FILTER (WHERE d.is_purchase) OVER (PARTITION BY d.customer_id ORDER BY d.order_date) AS purchase_n
    FROM days AS d
),
purchases AS (
    SELECT
        n.customer_id,
        n.purchase_n,
        min(n.order_date) AS purchase_date,
        GREATEST(sum(n.value ORDER BY n.order_date), 0::float8) AS value,
        sum(n.orders) AS orders,
        sum(n.returned) AS returned,
        sum(n.units) AS units
    FROM numbered_days AS n
    WHERE n.purchase_n > 0
    GROUP BY n.customer_id, n.purchase_n
),
gaps AS (
    SELECT
        p.customer_id,
        p.purchase_n,
        p.purchase_date,
        p.value,
        p.orders,
        p.returned,
        p.units,
        p.purchase_date - lag(p.purchase_date) OVER (PARTITION BY p.customer_id ORDER BY p.purchase_n) AS gap_days
    FROM purchases AS p
)
SELECT
    p.customer_id,
    (count(*) - 1)::integer AS repeat_count,
    min(p.purchase_date) AS first_purchase_date,
    max(p.purchase_date) AS last_purchase_date,
    avg(p.value ORDER BY p.purchase_n) FILTER (WHERE p.purchase_n > 1) AS mean_repeat_value,
    max(p.value) FILTER (WHERE p.purchase_n = 1) AS first_purchase_value,
    sum(p.value ORDER BY p.purchase_n) AS value_to_date,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY p.gap_days) AS usual_gap_days,
    -- All purchases, so that what lies in a window of days before today needs no second look at the orders.
    array_agg(p.purchase_date ORDER BY p.purchase_n) AS purchase_dates,
    array_agg(p.value ORDER BY p.purchase_n) AS purchase_values,
    max(p.value) AS largest_purchase_value,
    stddev_samp(p.value ORDER BY p.purchase_n) AS deviation_of_purchase_values,
    sum(p.orders)::bigint AS orders,
    sum(p.returned)::float8 AS returned_revenue,
    sum(p.units)::float8 AS units
FROM gaps AS p
GROUP BY p.customer_id
