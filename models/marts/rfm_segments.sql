{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}, {'columns': ['segment']}], tags=['marts', 'rfm']) }}

-- The rules are the 125 rows of the seed, one a cell, so no customer is in two segments or in none.
SELECT
    s.customer_id,
    r.segment,
    r.rf_segment,
    r.value_segment,
    s.rfm_code,
    s.recency_days,
    s.frequency,
    s.monetary,
    s.id_is_synthetic
FROM {{ ref('rfm_scores') }} AS s
LEFT JOIN {{ ref('rfm_segment_rules') }} AS r
    ON r.r_score = s.r_score
    AND r.f_score = s.f_score
    AND r.m_score = s.m_score
