{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['marts', 'rfm']) }}

-- A customer has the best tier whose least value he reaches: how many of the ascending cut points are at most his value.
WITH cuts AS (
    SELECT array_agg(p.cut_point ORDER BY p.top_share DESC) AS cut_points
    FROM {{ ref('value_tier_cut_points') }} AS p
),
tier_values AS (
    {{ tier_values() }}
)
SELECT
    v.customer_id,
    (ARRAY['{{ lowest_value_tier() }}'{% for name, _ in value_tier_shares() | reverse %}, '{{ name }}'{% endfor %}])[
        1 + width_bucket(v.value::float8, k.cut_points)
    ] AS value_tier,
    round(v.value::numeric, 4) AS value,
    '{{ value_tier_basis() }}'::text AS basis,
    v.id_is_synthetic
FROM tier_values AS v
CROSS JOIN cuts AS k
