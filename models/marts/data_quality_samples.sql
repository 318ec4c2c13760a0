{{ config(materialized='table', indexes=[{'columns': ['source', 'sample_number'], 'unique': true}], tags=['marts', 'quality']) }}

-- The first lines of each source as it came, for the eye. Who bought is shown under a pseudonym, and so is the order,
-- which leads to the person.
WITH numbered AS (
    SELECT
        o.*,
        row_number() OVER (PARTITION BY o.source ORDER BY o.load_id, o.line, o.order_id) AS sample_number
    FROM {{ source('raw', 'orders') }} AS o
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
WHERE n.sample_number <= {{ var('data_quality_sample_rows', 5) }}
