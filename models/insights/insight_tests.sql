{{ config(materialized='table', indexes=[{'columns': ['insight'], 'unique': true}], tags=['insights']) }}

-- Every question that the run asked of the data, also where the answer is silence, and why. The p-values of one run are
-- adjusted together by Benjamini and Hochberg (1995), so that of what is told at most one in twenty is expected to be chance.
-- The windows run over a handful of questions.
WITH asked AS (
    {%- for name in ['whale_effect', 'concentration_risk', 'loyalty_trap', 'churn_warning', 'growth_opportunity', 'second_order_gap', 'revenue_trend'] %}
    SELECT
        i.insight,
        i.customers,
        i.revenue,
        i.figures,
        i.test_name,
        -- Where the data cannot carry the question, nothing was tested, and the others need not pay for it.
        CASE WHEN i.silence IS NULL THEN i.statistic END AS statistic,
        CASE WHEN i.silence IS NULL THEN i.p_value END AS p_value,
        i.sample_size,
        i.is_exploratory,
        i.silence
    FROM {{ ref('insight_' ~ name) }} AS i
    {{- ' UNION ALL' if not loop.last }}
    {%- endfor %}
),
ranked AS (
    -- What was not tested has no p-value and takes no part.
    SELECT
        a.*,
        count(a.p_value) OVER () AS tests,
        row_number() OVER (ORDER BY a.p_value NULLS LAST, a.insight) AS p_rank
    FROM asked AS a
),
adjusted AS (
    SELECT
        r.*,
        CASE WHEN r.p_value IS NOT NULL THEN
            LEAST(min(r.p_value * r.tests / r.p_rank) OVER (ORDER BY r.p_rank ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), 1::float8)
        END AS p_adjusted
    FROM ranked AS r
),
answers AS (
    SELECT
        a.*,
        f.currency,
        f.id_is_synthetic,
        CASE
            WHEN a.silence IS NOT NULL THEN a.silence
            WHEN t.insight IS NULL THEN 'insight_templates has no words for it'
            WHEN a.test_name IS NOT NULL AND (a.p_adjusted IS NULL OR a.p_adjusted >= 0.05::float8) THEN 'it may well be chance'
        END AS reason
    FROM adjusted AS a
    CROSS JOIN {{ ref('insight_facts') }} AS f
    LEFT JOIN {{ ref('insight_templates') }} AS t
        ON t.insight = a.insight
)
SELECT
    a.insight,
    a.reason IS NULL AS is_told,
    a.reason,
    a.test_name,
    a.statistic,
    a.p_value,
    a.p_adjusted,
    a.sample_size::integer AS sample_size,
    a.is_exploratory,
    CASE
        WHEN a.reason IS NOT NULL THEN NULL
        WHEN a.id_is_synthetic THEN 'low'
        WHEN a.test_name IS NULL THEN 'high'
        WHEN a.p_adjusted < 0.01::float8 AND a.sample_size >= 100 AND NOT a.is_exploratory THEN 'high'
        WHEN a.sample_size >= 30 THEN 'medium'
        ELSE 'low'
    END AS confidence,
    a.customers,
    round(a.revenue, 4) AS revenue,
    a.figures,
    a.currency,
    a.id_is_synthetic
FROM answers AS a
