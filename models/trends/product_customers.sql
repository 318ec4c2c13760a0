{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['category', 'product_id'], tags=['trends']) }}

-- How many customers bought each of the products that are shown, and how many a day or more after the first time again.
WITH buyers AS (
    SELECT
        o.customer_id,
        s.category,
        s.product_id,
        max(o.ordered_at) - min(o.ordered_at) >= INTERVAL '1 day' AS bought_again
    FROM {{ ref('stg_orders') }} AS o
    INNER JOIN {{ ref('top_products') }} AS s
        ON s.product_id = o.product_id
        AND s.category IS NOT DISTINCT FROM NULLIF(o.category, '')
    GROUP BY o.customer_id, s.category, s.product_id
)
SELECT
    b.category,
    b.product_id,
    count(*) AS customers,
    count(*) FILTER (WHERE b.bought_again) AS repeat_customers,
    count(*) AS row_count
FROM buyers AS b
GROUP BY b.category, b.product_id
