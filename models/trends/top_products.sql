{{ config(materialized='table', access='private', tags=['trends']) }}

-- The products that are shown one by one: those of the greatest revenue, returns taken off. Their ranks are not here, so that the table
-- stays the same as long as none joins them.
WITH products AS (
    SELECT
        s.category,
        s.product_id,
        round(sum(s.gross_revenue), 4) - round(sum(s.returned_revenue), 4) AS revenue
    FROM {{ ref('product_sales') }} AS s
    WHERE s.product_id IS NOT NULL
    GROUP BY s.category, s.product_id
),
ranked AS (
    SELECT
        p.category,
        p.product_id,
        row_number() OVER (ORDER BY p.revenue DESC, p.category COLLATE "C", p.product_id COLLATE "C") AS revenue_rank
    FROM products AS p
)
SELECT
    r.category,
    r.product_id
FROM ranked AS r
WHERE r.revenue_rank <= {{ var('top_products', 100) }}::bigint
