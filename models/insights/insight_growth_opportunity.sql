{{ config(materialized='view', access='private', tags=['insights']) }}

-- What 5 % more orders of the casual customers are worth in a year, where they are the largest persona: customers x orders
-- a year x mean order value x 0.05. Orders a year are repeat orders over the time since the first order; the first order
-- starts that time, so counting it would give new customers endless rates. That no other persona is as large is tested by
-- the sign test of the two sizes.
WITH personas AS (
    SELECT
        c.persona,
        count(*) AS n,
        sum(c.monetary) AS revenue,
        sum(c.average_order_value * c.frequency) / sum(c.frequency) AS order_amount,
        365 * sum(c.frequency - 1)::numeric / NULLIF(sum({{ last_day(as_of) }} - c.first_order_date), 0) AS orders_a_year
    FROM {{ ref('customer_360') }} AS c
    WHERE c.persona IS NOT NULL
    GROUP BY c.persona
),
worths AS (
    SELECT
        p.*,
        COALESCE(p.n * p.orders_a_year * p.order_amount * 0.05, 0) AS worth,
        p.persona = t.persona AS is_subject
    FROM personas AS p
    INNER JOIN {{ ref('insight_templates') }} AS t
        ON t.insight = 'growth_opportunity'
),
largest_other AS (
    SELECT max(w.n) AS n
    FROM worths AS w
    WHERE NOT w.is_subject
),
worthiest_other AS (
    SELECT
        w.persona,
        w.worth
    FROM worths AS w
    WHERE NOT w.is_subject
    ORDER BY w.worth DESC, w.persona
    LIMIT 1
)
SELECT
    'growth_opportunity'::text AS insight,
    w.n::integer AS customers,
    w.revenue,
    jsonb_build_object(
        'persona_count', w.n,
        'persona_share', (w.n / f.customers::numeric)::float8,
        'next_count', l.n,
        'orders_a_year_mean', round(w.orders_a_year, 4),
        'order_amount', round(w.order_amount, 4),
        'more_share', 0.05,
        'worth_amount', round(w.worth, 4),
        'other_persona', o.persona,
        'other_worth_amount', round(o.worth, 4)
    ) AS figures,
    'sign test that no other persona has as many customers, one-sided'::text AS test_name,
    (w.n - l.n)::float8 / sqrt((w.n + l.n)::float8) AS statistic,
    {{ p_above('(w.n - l.n)::float8 / sqrt((w.n + l.n)::float8)') }} AS p_value,
    w.n AS sample_size,
    false AS is_exploratory,
    CASE
        WHEN l.n IS NULL THEN 'there is one persona only'
        WHEN w.n <= l.n THEN 'another persona has as many customers'
        WHEN w.worth <= 0 THEN 'they do not order again'
    END AS silence
FROM worths AS w
CROSS JOIN largest_other AS l
LEFT JOIN worthiest_other AS o
    ON true
CROSS JOIN {{ ref('insight_facts') }} AS f
WHERE w.is_subject
