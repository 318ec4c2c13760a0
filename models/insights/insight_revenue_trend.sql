{{ config(materialized='view', access='private', tags=['insights']) }}

-- The last 13 weeks against the same weeks a year (52 weeks) before, so that the season is the same: a paired t-test of the
-- weekly net revenues. A week ends with the last day before as_of, and weekdays are the same in both.
WITH weeks AS (
    SELECT
        ({{ last_day(as_of) }} - o.order_date) / 7 AS weeks_ago,
        sum(o.revenue) AS revenue
    FROM {{ ref('order_days') }} AS o
    WHERE o.order_date > {{ last_day(as_of) }} - 91
        OR o.order_date BETWEEN {{ last_day(as_of) }} - 454 AND {{ last_day(as_of) }} - 364
    GROUP BY ({{ last_day(as_of) }} - o.order_date) / 7
),
pairs AS (
    SELECT
        COALESCE(n.revenue, 0) AS revenue,
        COALESCE(b.revenue, 0) AS former_revenue,
        COALESCE(n.revenue, 0) - COALESCE(b.revenue, 0) AS difference
    FROM generate_series(0, 12) AS g (weeks_ago)
    LEFT JOIN weeks AS n
        ON n.weeks_ago = g.weeks_ago
    LEFT JOIN weeks AS b
        ON b.weeks_ago = g.weeks_ago + 52
),
sums AS (
    SELECT
        sum(p.revenue) AS revenue,
        sum(p.former_revenue) AS former_revenue,
        sum(p.difference) AS total,
        (sum(p.difference) / 13)::float8 / NULLIF(sqrt(GREATEST({{ sample_variance('13', 'sum(p.difference)', 'sum(p.difference * p.difference)') }}, 0) / 13), 0) AS t
    FROM pairs AS p
)
SELECT
    CASE WHEN s.total < 0 THEN 'revenue_decline' ELSE 'revenue_growth' END AS insight,
    f.customers::integer AS customers,
    s.revenue,
    jsonb_build_object(
        'weeks_count', 13,
        'revenue_amount', s.revenue,
        'former_revenue_amount', s.former_revenue,
        'change_share', abs(s.total / NULLIF(s.former_revenue, 0))::float8
    ) AS figures,
    'paired t-test of weekly net revenue, two-sided'::text AS test_name,
    s.t AS statistic,
    {{ p_beyond(z_of_t('s.t', '12')) }} AS p_value,
    f.customers AS sample_size,
    false AS is_exploratory,
    CASE
        WHEN f.first_date > {{ last_day(as_of) }} - 454 THEN 'the data do not reach back 65 weeks'
        WHEN s.former_revenue <= 0 THEN 'the weeks a year before brought nothing'
        WHEN s.t IS NULL THEN 'each week changed by the same amount'
    END AS silence
FROM sums AS s
CROSS JOIN {{ ref('insight_facts') }} AS f
