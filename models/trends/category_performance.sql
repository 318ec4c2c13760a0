{{ config(materialized='table', indexes=[{'columns': ['level', 'category', 'product_id']}], tags=['trends']) }}

-- What is sold best, by category and by product, returns taken off. Money is added up by product, which is few rows, and
-- customers are counted by category and product. A customer bought again who bought a day or more after the first time. Lines
-- without a category or product count in the total that shares are of.
WITH products AS (
    SELECT
        s.category,
        s.product_id,
        max(s.description COLLATE "C") AS description,
        sum(s.units) AS units,
        round(sum(s.gross_revenue), 4) AS gross_revenue,
        round(sum(s.returned_revenue), 4) AS returned_revenue,
        CASE WHEN sum(s.profit_lines) > 0 THEN round(sum(s.profit), 4) END AS profit
    FROM {{ ref('product_sales') }} AS s
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
    LEFT JOIN {{ ref('category_buyers') }} AS k
        ON k.level = 'category'
        AND k.category = c.category
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
    LEFT JOIN {{ ref('category_buyers') }} AS k
        ON k.level = 'product'
        AND k.product_id = s.product_id
        AND k.category IS NOT DISTINCT FROM s.category
    LEFT JOIN {{ ref('stg_product_names') }} AS n
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
