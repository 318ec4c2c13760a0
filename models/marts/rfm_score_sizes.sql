{{ config(materialized='table', indexes=[{'columns': ['measure', 'score'], 'unique': true}], tags=['marts', 'rfm']) }}

-- How many customers have each score, also where nobody has: a score stays empty where a group of equal values is larger
-- than a fifth, because equal values have equal scores. It is told, not mended.
WITH cells AS (
    SELECT
        s.r_score,
        s.f_score,
        s.m_score,
        count(*) AS customers
    FROM {{ ref('rfm_scores') }} AS s
    GROUP BY s.r_score, s.f_score, s.m_score
),
sizes AS (
    SELECT
        v.measure,
        v.score,
        sum(c.customers) AS customers
    FROM cells AS c
    CROSS JOIN LATERAL (
        VALUES
            ('recency_days', c.r_score),
            ('frequency', c.f_score),
            ('monetary', c.m_score)
    ) AS v (measure, score)
    GROUP BY v.measure, v.score
),
population AS (
    SELECT sum(c.customers) AS customers
    FROM cells AS c
),
measures AS (
    SELECT
        g.measure,
        EXISTS (SELECT 1 FROM {{ ref('rfm_cut_points') }} AS p WHERE p.measure = g.measure) AS has_cut_points
    FROM (VALUES ('recency_days'), ('frequency'), ('monetary')) AS g (measure)
)
SELECT
    m.measure,
    s.score::smallint AS score,
    COALESCE(z.customers, 0)::integer AS customers,
    COALESCE(z.customers / NULLIF(p.customers, 0), 0)::float8 AS customer_share,
    z.customers IS NULL AS is_empty,
    CASE
        WHEN z.customers IS NOT NULL THEN NULL
        WHEN NOT m.has_cut_points THEN 'fewer than {{ var('min_customers', 100) }} customers with a known value'
        {%- if rfm_method() == 'quintile' and not rfm_frozen_run() %}
        ELSE 'more than a fifth of the customers share one value'
        {%- else %}
        ELSE 'no customer lies between the cut points'
        {%- endif %}
    END AS reason
FROM measures AS m
CROSS JOIN generate_series(1, 5) AS s (score)
CROSS JOIN population AS p
LEFT JOIN sizes AS z
    ON z.measure = m.measure
    AND z.score = s.score
