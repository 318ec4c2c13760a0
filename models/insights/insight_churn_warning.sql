{{ config(materialized='view', access='private', tags=['insights']) }}

-- Those of the dormant persona who once ordered more often than the typical customer, and whether they are away longer
-- than their own rhythm says: a z-test of the mean of days away over the customer's own mean gap between orders, against
-- 1. Who ordered on one day only has no rhythm and is left out.
WITH members AS (
    SELECT
        c.monetary,
        c.frequency,
        c.recency_days,
        c.predicted_ltv,
        (c.last_order_date - c.first_order_date)::numeric / NULLIF(c.frequency - 1, 0) AS gap_days,
        round(c.recency_days * (c.frequency - 1)::numeric / NULLIF(c.last_order_date - c.first_order_date, 0), 6) AS gaps_away
    FROM {{ ref('customer_360') }} AS c
    CROSS JOIN {{ ref('insight_facts') }} AS f
    INNER JOIN {{ ref('insight_templates') }} AS t
        ON t.insight = 'churn_warning'
        AND t.persona = c.persona
    WHERE c.frequency > f.typical_frequency
        AND c.last_order_date > c.first_order_date
),
sums AS (
    SELECT
        count(*) AS n,
        COALESCE(sum(m.monetary), 0) AS revenue,
        avg(m.recency_days) AS recency_days,
        avg(m.frequency) AS frequency,
        avg(m.gap_days) AS gap_days,
        sum(m.gaps_away) AS total,
        sum(m.gaps_away * m.gaps_away) AS squares
    FROM members AS m
),
persona AS (
    SELECT
        count(*) AS n,
        avg(c.recency_days) AS recency_days,
        avg(c.frequency) AS frequency
    FROM {{ ref('customer_360') }} AS c
    INNER JOIN {{ ref('insight_templates') }} AS t
        ON t.insight = 'churn_warning'
        AND t.persona = c.persona
),
ratios AS (
    SELECT
        s.*,
        (s.total / NULLIF(s.n, 0))::float8 AS gaps_away,
        sqrt(GREATEST({{ sample_variance('s.n', 's.total', 's.squares') }}, 0) / NULLIF(s.n, 0)) AS standard_error
    FROM sums AS s
)
SELECT
    'churn_warning'::text AS insight,
    r.n::integer AS customers,
    r.revenue,
    jsonb_build_object(
        'dormant_count', r.n,
        'persona_count', p.n,
        'persona_away_days', round(p.recency_days, 4),
        'persona_orders_mean', round(p.frequency, 4),
        'away_days', round(r.recency_days, 4),
        'orders_mean', round(r.frequency, 4),
        'typical_orders_mean', f.typical_frequency,
        'gap_days', round(r.gap_days, 4),
        'gaps_away_mean', r.gaps_away,
        'standard_error', r.standard_error,
        'revenue_amount', r.revenue
    ) AS figures,
    'z-test of days away over the own mean gap against 1, one-sided'::text AS test_name,
    (r.gaps_away - 1) / NULLIF(r.standard_error, 0) AS statistic,
    {{ p_above('(r.gaps_away - 1) / NULLIF(r.standard_error, 0)') }} AS p_value,
    r.n AS sample_size,
    true AS is_exploratory,
    CASE
        WHEN r.n < 10 THEN 'fewer than ten customers of the persona once ordered more often than the typical customer'
        WHEN r.standard_error IS NULL OR r.standard_error = 0 THEN 'all these customers are alike'
    END AS silence
FROM ratios AS r
CROSS JOIN persona AS p
CROSS JOIN {{ ref('insight_facts') }} AS f
