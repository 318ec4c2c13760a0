{{ config(materialized='table', access='private', tags=['staging']) }}

-- The name of each product, as its source describes it.
SELECT
    NULLIF(n.product_id, '') AS product_id,
    max(n.name COLLATE "C") AS name
FROM {{ raw_rows('products') }} AS n
GROUP BY 1
