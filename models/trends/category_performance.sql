{{ config(materialized='table', indexes=[{'columns': ['level', 'category', 'product_id']}], tags=['trends']) }}

-- What is sold best, by category and by product, returns taken off. Lines are added up by customer first, so that customers are counted
-- without DISTINCT. A customer bought again who bought a day or more after the first time. Lines without a category or product count in the
-- totals that shares are of.
WITH lines AS (
    SELECT
        o.customer_id,
        o.product_id,
        o.category,
        o.description,
        o.ordered_at AS bought_at,
        o.quantity,
        o.revenue AS sold_revenue,
        0::numeric AS returned_revenue,
        o.revenue - o.cost AS profit
    FROM {{ ref('stg_orders') }} AS o
    UNION ALL
    SELECT
        r.customer_id,
        r.product_id,
        r.category,
        NULL,
        NULL,
        r.quantity,
        0,
        -r.revenue,
        r.revenue - r.cost
    FROM {{ ref('stg_returns') }} AS r
),
customer_products AS (
    SELECT
        l.customer_id,
        NULLIF(l.category, '') AS category,
        NULLIF(l.product_id, '') AS product_id,
        max(l.description COLLATE "C") AS description,
        min(l.bought_at) AS first_bought_at,
        max(l.bought_at) AS last_bought_at,
        sum(l.quantity::float8) AS units,
        sum(l.sold_revenue::float8) AS gross_revenue,
        sum(l.returned_revenue::float8) AS returned_revenue,
        sum(l.profit::float8) AS profit
    FROM lines AS l
    GROUP BY 1, 2, 3
),
customer_categories AS (
    SELECT
        p.customer_id,
        p.category,
        min(p.first_bought_at) AS first_bought_at,
        max(p.last_bought_at) AS last_bought_at
    FROM customer_products AS p
    GROUP BY p.customer_id, p.category
),
products AS (
    SELECT
        p.category,
        p.product_id,
        max(p.description COLLATE "C") AS description,
        count(p.first_bought_at) AS customers,
        count(*) FILTER (WHERE p.last_bought_at >= p.first_bought_at + INTERVAL '1 day') AS repeat_customers,
        sum(round(p.units::numeric, 4)) AS units,
        sum(round(p.gross_revenue::numeric, 4)) AS gross_revenue,
        sum(round(p.returned_revenue::numeric, 4)) AS returned_revenue,
        sum(round(p.profit::numeric, 4)) AS profit
    FROM customer_products AS p
    GROUP BY p.category, p.product_id
),
category_customers AS (
    SELECT
        c.category,
        count(c.first_bought_at) AS customers,
        count(*) FILTER (WHERE c.last_bought_at >= c.first_bought_at + INTERVAL '1 day') AS repeat_customers
    FROM customer_categories AS c
    WHERE c.category IS NOT NULL
    GROUP BY c.category
),
rows_of_levels AS (
    SELECT
        'product' AS level,
        p.category,
        p.product_id,
        p.description,
        p.customers,
        p.repeat_customers,
        p.units,
        p.gross_revenue,
        p.returned_revenue,
        p.profit
    FROM products AS p
    WHERE p.product_id IS NOT NULL
    UNION ALL
    SELECT
        'category',
        c.category,
        NULL,
        NULL,
        max(k.customers),
        max(k.repeat_customers),
        sum(c.units),
        sum(c.gross_revenue),
        sum(c.returned_revenue),
        sum(c.profit)
    FROM products AS c
    INNER JOIN category_customers AS k
        ON k.category = c.category
    GROUP BY c.category
),
totals AS (
    SELECT sum(p.gross_revenue - p.returned_revenue) AS revenue
    FROM products AS p
),
ranked AS (
    SELECT
        r.*,
        row_number() OVER (
            PARTITION BY r.level
            ORDER BY r.gross_revenue - r.returned_revenue DESC, r.category COLLATE "C", r.product_id COLLATE "C"
        ) AS revenue_rank
    FROM rows_of_levels AS r
),
names AS (
    SELECT
        NULLIF(p.product_id, '') AS product_id,
        max(p.name COLLATE "C") AS name
    FROM {{ raw_rows('products') }} AS p
    GROUP BY 1
)
SELECT
    r.level,
    r.category,
    r.product_id,
    COALESCE(n.name, r.description) AS product_name,
    r.revenue_rank::integer AS revenue_rank,
    r.customers::integer AS customers,
    r.repeat_customers::integer AS repeat_customers,
    (r.repeat_customers / NULLIF(r.customers, 0)::numeric)::float8 AS repeat_share,
    r.units,
    r.gross_revenue,
    r.returned_revenue,
    r.gross_revenue - r.returned_revenue AS revenue,
    round((r.gross_revenue - r.returned_revenue) / NULLIF(t.revenue, 0), 6)::float8 AS revenue_share,
    r.profit
FROM ranked AS r
CROSS JOIN totals AS t
LEFT JOIN names AS n
    ON n.product_id = r.product_id
WHERE r.level = 'category'
    OR r.revenue_rank <= {{ var('top_products', 100) }}::bigint
