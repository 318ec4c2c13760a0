{{ config(materialized='view', access='private', tags=['insights']) }}

-- Those of the dormant persona who once ordered more often than the typical customer, and whether they are away longer
-- than their own rhythm says: a paired z-test of the days away less the customer's own mean gap between orders. Who ordered
-- on one day only has no rhythm and is left out.
WITH members AS (
    SELECT
        c.monetary,
        c.frequency,
        c.recency_days,
        round((c.last_order_date - c.first_order_date)::numeric / NULLIF(c.frequency - 1, 0), 6) AS gap_days,
        round(c.recency_days - (c.last_order_date - c.first_order_date)::numeric / NULLIF(c.frequency - 1, 0), 6) AS overdue_days
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
        sum(m.overdue_days) AS total,
        sum(m.overdue_days * m.overdue_days) AS squares
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
means AS (
    SELECT
        s.*,
        (s.total / NULLIF(s.n, 0))::float8 AS overdue_days,
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
        'overdue_days', r.overdue_days,
        'standard_error_days', r.standard_error,
        'revenue_amount', r.revenue
    ) AS figures,
    'paired z-test of days away against the own mean gap, one-sided'::text AS test_name,
    r.overdue_days / NULLIF(r.standard_error, 0) AS statistic,
    {{ p_above('r.overdue_days / NULLIF(r.standard_error, 0)') }} AS p_value,
    r.n AS sample_size,
    true AS is_exploratory,
    CASE
        WHEN r.n < 10 THEN 'fewer than ten customers of the persona once ordered more often than the typical customer'
        WHEN r.standard_error IS NULL OR r.standard_error = 0 THEN 'all these customers are alike'
    END AS silence
FROM means AS r
CROSS JOIN persona AS p
CROSS JOIN {{ ref('insight_facts') }} AS f
