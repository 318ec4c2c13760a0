{{ config(materialized='table', indexes=[{'columns': ['scheme', 'segment'], 'unique': true}], tags=['personas']) }}

-- Every segment of every scheme, also those without members. Customers are gathered once, by all schemes together: what is
-- then gathered by each scheme are the few combinations that occur. Sums of whole numbers and numerics, so that the order of
-- the customers decides nothing.
{%- set schemes = segment_schemes() %}
WITH combinations AS (
    SELECT
        {%- for _, column in schemes %}
        c.{{ column }},
        {%- endfor %}
        count(*) AS customers,
        sum(c.monetary) AS revenue,
        sum(c.recency_days) AS recency_days,
        sum(c.frequency) AS frequency,
        count(c.r_score) AS r_scored,
        count(c.f_score) AS f_scored,
        count(c.m_score) AS m_scored,
        sum(c.r_score) AS r_score,
        sum(c.f_score) AS f_score,
        sum(c.m_score) AS m_score,
        min(c.currency) AS lowest_currency,
        max(c.currency) AS highest_currency,
        count(c.currency) AS with_currency,
        bool_or(c.id_is_synthetic) AS id_is_synthetic
    FROM {{ ref('customer_360') }} AS c
    GROUP BY {% for _, column in schemes %}c.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
),
totals AS (
    SELECT
        sum(b.customers) AS customers,
        sum(b.revenue) AS revenue,
        CASE WHEN min(b.lowest_currency) = max(b.highest_currency) AND sum(b.with_currency) = sum(b.customers)
            THEN min(b.lowest_currency)
        END AS currency,
        COALESCE(bool_or(b.id_is_synthetic), false) AS id_is_synthetic
    FROM combinations AS b
),
members AS (
    SELECT
        s.scheme,
        s.segment,
        sum(b.customers) AS customers,
        sum(b.revenue) AS revenue,
        sum(b.recency_days) AS recency_days,
        sum(b.frequency) AS frequency,
        sum(b.r_scored) AS r_scored,
        sum(b.f_scored) AS f_scored,
        sum(b.m_scored) AS m_scored,
        sum(b.r_score) AS r_score,
        sum(b.f_score) AS f_score,
        sum(b.m_score) AS m_score
    FROM combinations AS b
    CROSS JOIN LATERAL (
        VALUES
        {%- for scheme, column in schemes %}
            ('{{ scheme }}', b.{{ column }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) AS s (scheme, segment)
    WHERE s.segment IS NOT NULL
    GROUP BY s.scheme, s.segment
),
segments AS (
    SELECT DISTINCT
        w.scheme,
        w.segment
    FROM {{ ref('segment_rules') }} AS w
    UNION ALL
    SELECT
        'persona4',
        b.persona
    FROM {{ ref('persona_playbook') }} AS b
    UNION ALL
    SELECT
        'value_tier',
        t.value_tier
    FROM (VALUES {% for name, _ in value_tier_shares() %}('{{ name }}'), {% endfor %}('{{ lowest_value_tier() }}')) AS t (value_tier)
)
SELECT
    s.scheme,
    s.segment,
    COALESCE(m.customers, 0)::integer AS customers,
    COALESCE(m.customers / NULLIF(t.customers, 0), 0)::float8 AS customer_share,
    COALESCE(m.revenue, 0) AS revenue,
    CASE WHEN t.revenue > 0 THEN COALESCE(m.revenue / t.revenue, 0)::float8 END AS revenue_share,
    (m.recency_days / m.customers)::float8 AS mean_recency_days,
    (m.frequency / m.customers)::float8 AS mean_frequency,
    round(m.revenue / m.customers, 4) AS mean_monetary,
    (m.r_score / NULLIF(m.r_scored, 0))::float8 AS mean_r_score,
    (m.f_score / NULLIF(m.f_scored, 0))::float8 AS mean_f_score,
    (m.m_score / NULLIF(m.m_scored, 0))::float8 AS mean_m_score,
    t.currency,
    t.id_is_synthetic
FROM segments AS s
LEFT JOIN members AS m
    ON m.scheme = s.scheme
    AND m.segment = s.segment
CROSS JOIN totals AS t
