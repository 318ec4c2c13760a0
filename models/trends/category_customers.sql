{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by='category', tags=['trends']) }}

-- How many customers bought of each category, and how many a day or more after the first time again.
WITH buyers AS (
    SELECT
        o.customer_id,
        o.category,
        max(o.ordered_at) - min(o.ordered_at) >= INTERVAL '1 day' AS bought_again
    FROM {{ ref('stg_orders') }} AS o
    WHERE o.category <> ''
    GROUP BY o.customer_id, o.category
)
SELECT
    b.category,
    count(*) AS customers,
    count(*) FILTER (WHERE b.bought_again) AS repeat_customers,
    count(*) AS row_count
FROM buyers AS b
GROUP BY b.category
