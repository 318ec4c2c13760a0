{{ config(materialized='table', indexes=[{'columns': ['level', 'category', 'product_id']}], tags=['trends']) }}

-- What is sold best, by category and by product, returns taken off. Money is added up by product, which is few rows; customers are then
-- counted for categories and for the products that are shown. A customer bought again who bought a day or more after the first time. Lines
-- without a category or product count in the total that shares are of.
WITH sold AS (
    SELECT
        NULLIF(o.category, '') AS category,
        NULLIF(o.product_id, '') AS product_id,
        max(o.description COLLATE "C") AS description,
        sum(o.quantity) AS units,
        sum(o.revenue) AS gross_revenue,
        0::numeric AS returned_revenue,
        sum(o.revenue - o.cost) AS profit
    FROM {{ ref('stg_orders') }} AS o
    GROUP BY 1, 2
    UNION ALL
    SELECT
        NULLIF(r.category, '') AS category,
        NULLIF(r.product_id, '') AS product_id,
        NULL,
        sum(r.quantity),
        0,
        -sum(r.revenue),
        sum(r.revenue - r.cost)
    FROM {{ ref('stg_returns') }} AS r
    GROUP BY 1, 2
),
products AS (
    SELECT
        s.category,
        s.product_id,
        max(s.description COLLATE "C") AS description,
        sum(s.units) AS units,
        round(sum(s.gross_revenue), 4) AS gross_revenue,
        round(sum(s.returned_revenue), 4) AS returned_revenue,
        round(sum(s.profit), 4) AS profit
    FROM sold AS s
    GROUP BY s.category, s.product_id
),
ranked AS (
    SELECT
        p.category,
        p.product_id,
        p.description,
        p.units,
        p.gross_revenue,
        p.returned_revenue,
        p.profit,
        row_number() OVER (
            ORDER BY p.gross_revenue - p.returned_revenue DESC, p.category COLLATE "C", p.product_id COLLATE "C"
        ) AS revenue_rank
    FROM products AS p
    WHERE p.product_id IS NOT NULL
),
shown AS (
    SELECT r.*
    FROM ranked AS r
    WHERE r.revenue_rank <= {{ var('top_products', 100) }}::bigint
),
product_buyers AS (
    SELECT
        o.customer_id,
        s.revenue_rank,
        max(o.ordered_at) - min(o.ordered_at) >= INTERVAL '1 day' AS bought_again
    FROM {{ ref('stg_orders') }} AS o
    INNER JOIN shown AS s
        ON s.product_id = o.product_id
        AND s.category IS NOT DISTINCT FROM NULLIF(o.category, '')
    GROUP BY o.customer_id, s.revenue_rank
),
category_buyers AS (
    SELECT
        o.customer_id,
        o.category,
        max(o.ordered_at) - min(o.ordered_at) >= INTERVAL '1 day' AS bought_again
    FROM {{ ref('stg_orders') }} AS o
    WHERE o.category <> ''
    GROUP BY o.customer_id, o.category
),
product_customers AS (
    SELECT
        b.revenue_rank,
        count(*) AS customers,
        count(*) FILTER (WHERE b.bought_again) AS repeat_customers
    FROM product_buyers AS b
    GROUP BY b.revenue_rank
),
category_customers AS (
    SELECT
        b.category,
        count(*) AS customers,
        count(*) FILTER (WHERE b.bought_again) AS repeat_customers
    FROM category_buyers AS b
    GROUP BY b.category
),
categories AS (
    SELECT
        p.category,
        sum(p.units) AS units,
        sum(p.gross_revenue) AS gross_revenue,
        sum(p.returned_revenue) AS returned_revenue,
        sum(p.profit) AS profit,
        row_number() OVER (
            ORDER BY sum(p.gross_revenue - p.returned_revenue) DESC, p.category COLLATE "C"
        ) AS revenue_rank
    FROM products AS p
    WHERE p.category IS NOT NULL
    GROUP BY p.category
),
names AS (
    SELECT
        NULLIF(n.product_id, '') AS product_id,
        max(n.name COLLATE "C") AS name
    FROM {{ raw_rows('products') }} AS n
    GROUP BY 1
),
totals AS (
    SELECT sum(p.gross_revenue - p.returned_revenue) AS revenue
    FROM products AS p
),
told AS (
    SELECT
        'category' AS level,
        c.category,
        NULL::text AS product_id,
        NULL::text AS product_name,
        c.revenue_rank,
        k.customers,
        k.repeat_customers,
        c.units,
        c.gross_revenue,
        c.returned_revenue,
        c.profit
    FROM categories AS c
    LEFT JOIN category_customers AS k
        ON k.category = c.category
    UNION ALL
    SELECT
        'product',
        s.category,
        s.product_id,
        COALESCE(n.name, s.description),
        s.revenue_rank,
        k.customers,
        k.repeat_customers,
        s.units,
        s.gross_revenue,
        s.returned_revenue,
        s.profit
    FROM shown AS s
    LEFT JOIN product_customers AS k
        ON k.revenue_rank = s.revenue_rank
    LEFT JOIN names AS n
        ON n.product_id = s.product_id
)
SELECT
    t.level,
    t.category,
    t.product_id,
    t.product_name,
    t.revenue_rank::integer AS revenue_rank,
    COALESCE(t.customers, 0)::integer AS customers,
    COALESCE(t.repeat_customers, 0)::integer AS repeat_customers,
    (t.repeat_customers / NULLIF(t.customers, 0)::numeric)::float8 AS repeat_share,
    t.units,
    t.gross_revenue,
    t.returned_revenue,
    t.gross_revenue - t.returned_revenue AS revenue,
    round((t.gross_revenue - t.returned_revenue) / NULLIF(a.revenue, 0), 6)::float8 AS revenue_share,
    t.profit
FROM told AS t
CROSS JOIN totals AS a
