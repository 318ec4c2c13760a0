{{ config(materialized='cluster', key='customer_id', k='auto', k_min=4, k_max=10, log=true, starts=10, seed=42, refit_days=var('cluster_refit_days', 30), distributed_by='customer_id', tags=['analytics']) }}

-- Who sent back more than the data saw him buy has a net revenue below zero, which has no logarithm: he counts as zero.
SELECT
    s.customer_id,
    s.recency_days::float8 AS recency_days,
    s.frequency::float8 AS frequency,
    GREATEST(s.monetary, 0)::float8 AS monetary
FROM {{ ref('rfm_scores') }} AS s
