{{ config(materialized='table', access='private', refresh='lines', group_by=['category', 'product_id', 'description'], tags=['trends']) }}

-- What was sold and came back of each product, by the text that its lines have; what came back brings no text. Profit is known where
-- profit_lines is above 0.
WITH moved AS (
    SELECT
        NULLIF(o.category, '') AS category,
        NULLIF(o.product_id, '') AS product_id,
        o.description,
        sum(o.quantity) AS units,
        sum(o.revenue) AS gross_revenue,
        0::numeric AS returned_revenue,
        COALESCE(sum(o.revenue - o.cost), 0) AS profit,
        count(o.revenue - o.cost) AS profit_lines,
        count(*) AS row_count
    FROM {{ ref('stg_orders') }} AS o
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
        NULLIF(r.category, '') AS category,
        NULLIF(r.product_id, '') AS product_id,
        NULL AS description,
        sum(r.quantity) AS units,
        0 AS gross_revenue,
        -sum(r.revenue) AS returned_revenue,
        COALESCE(sum(r.revenue - r.cost), 0) AS profit,
        count(r.revenue - r.cost) AS profit_lines,
        count(*) AS row_count
    FROM {{ ref('stg_returns') }} AS r
    GROUP BY 1, 2
)
SELECT
    m.category,
    m.product_id,
    m.description,
    sum(m.units) AS units,
    sum(m.gross_revenue) AS gross_revenue,
    sum(m.returned_revenue) AS returned_revenue,
    sum(m.profit) AS profit,
    sum(m.profit_lines)::bigint AS profit_lines,
    sum(m.row_count)::bigint AS row_count
FROM moved AS m
GROUP BY m.category, m.product_id, m.description
