{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['marts', 'rfm']) }}

-- Scores 1 to 5 by the cut points of the run, 5 is best, equal values have equal scores; by default fifths of all
-- customers, LEAST(1 + floor(5 * percent_rank), 5). Without cut points the scores stay null, and unscored_reason tells why.
-- The cut points are a CTE *inside* the sub-query that compares with them, which keeps the planner from merging it into the
-- SELECT below: merged, each column made from a score would compare the customer's values again, at twice the time in all.
{%- set weights = rfm_weights() %}
WITH scored AS (
    {{ nested_scores(ref('rfm_cut_points')) if rfm_method() == 'nested' else plain_scores(ref('rfm_cut_points')) }}
)
SELECT
    s.customer_id,
    s.recency_days,
    s.frequency,
    s.monetary,
    s.r_score,
    s.f_score,
    s.m_score,
    (100 * s.r_score + 10 * s.f_score + s.m_score)::smallint AS rfm_code,
    (s.r_score + s.f_score + s.m_score)::smallint AS rfm_sum,
    s.id_is_synthetic,
    ({{ weights[0] }} * s.r_score + {{ weights[1] }} * s.f_score + {{ weights[2] }} * s.m_score) / 10000::float8 AS weighted_score,
    '{{ rfm_monetary() }}'::text AS monetary_basis,
    CASE
        WHEN s.r_score IS NULL THEN 'fewer than {{ var('min_customers', 100) }} customers'
        WHEN s.m_score IS NOT NULL THEN NULL
        WHEN EXISTS (SELECT 1 FROM {{ ref('rfm_cut_points') }} AS p WHERE p.measure = 'monetary') THEN 'profit not known'
        ELSE 'profit known of fewer than {{ var('min_customers', 100) }} customers'
    END AS unscored_reason
FROM scored AS s
