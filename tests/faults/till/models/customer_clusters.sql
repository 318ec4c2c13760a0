{{ config(materialized='cluster', key='customer_id', k=4, starts=2, seed=42) }}

SELECT customer_id, recency_days::float8 AS recency_days, frequency::float8 AS frequency, monetary::float8 AS monetary
FROM {{ ref('rfm_scores') }}
