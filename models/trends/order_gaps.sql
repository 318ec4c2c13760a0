{{ config(materialized='view', access='private', tags=['trends']) }}

-- Orders by the days since the customer's order before, in the bands of purchase_patterns.
SELECT
    s.gap_band,
    s.orders,
    s.revenue
FROM {{ ref('cohort_sums') }} AS s
WHERE s.part = 'gap'
