{{ config(materialized='table', indexes=[{'columns': ['source', 'sample_number'], 'unique': true}], tags=['marts', 'quality']) }}

-- The first lines of each source as it came, for the eye. Who bought is shown under a pseudonym, and so is the order,
-- which leads to the person.
WITH sources AS (
    SELECT DISTINCT o.source
    FROM {{ raw_rows('orders') }} AS o
),
-- A few of each source are picked while it is read; to number all lines would sort them all.
numbered AS (
    SELECT
        f.*,
        row_number() OVER (PARTITION BY f.source ORDER BY f.load_id, f.line, f.order_id) AS sample_number
    FROM sources AS s
    CROSS JOIN LATERAL (
        SELECT o.*
        FROM {{ raw_rows('orders') }} AS o
        WHERE o.source = s.source
        ORDER BY o.load_id, o.line, o.order_id
        LIMIT {{ var('data_quality_sample_rows', 5) }}
    ) AS f
)
SELECT
    n.source,
    n.sample_number::integer AS sample_number,
    {{ pseudonym('n.order_id', 'k') }} AS order_id,
    {{ pseudonym('n.customer_id', 'k') }} AS customer_id,
    n.id_is_synthetic,
    n.ordered_at,
    n.product_id,
    n.description,
    n.category,
    n.quantity,
    n.unit_price,
    n.discount,
    n.unit_cost,
    n.channel,
    n.country,
    n.currency
FROM numbered AS n
CROSS JOIN {{ source('quintile', 'person_keys') }} AS k
