{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['level', 'category', 'product_id'], tags=['trends']) }}

-- How many customers bought of each category and of each product, and how many a day or more after the first time again. Lines are
-- sorted once for both; a product stands in each category that its lines name.
WITH buyers AS (
    SELECT
        o.customer_id COLLATE "C" AS customer_id,
        o.category COLLATE "C" AS category,
        o.product_id COLLATE "C" AS product_id,
        GROUPING(o.product_id COLLATE "C") AS of_category,
        max(o.ordered_at) - min(o.ordered_at) >= INTERVAL '1 day' AS bought_again
    FROM (
        SELECT
            l.customer_id,
            NULLIF(l.category, '') AS category,
            NULLIF(l.product_id, '') AS product_id,
            l.ordered_at
        FROM {{ ref('stg_orders') }} AS l
    ) AS o
    GROUP BY o.customer_id COLLATE "C", o.category COLLATE "C", ROLLUP (o.product_id COLLATE "C")
)
SELECT
    CASE WHEN b.of_category = 1 THEN 'category' ELSE 'product' END AS level,
    b.category,
    b.product_id,
    count(*) AS customers,
    count(*) FILTER (WHERE b.bought_again) AS repeat_customers,
    count(*) AS row_count
FROM buyers AS b
WHERE CASE WHEN b.of_category = 1 THEN b.category IS NOT NULL ELSE b.product_id IS NOT NULL END
GROUP BY 1, 2, 3
