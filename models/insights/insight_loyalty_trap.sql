{{ config(materialized='view', access='private', tags=['insights']) }}

-- Whether those who order often bring less with each order than everybody else does: Welch's test of the means of each
-- customer's own mean per order, from counts, sums and sums of squares.
WITH orders AS (
    SELECT
        c.persona,
        c.persona = t.persona AS is_subject,
        c.frequency,
        c.monetary,
        round(CASE WHEN f.basis = 'profit' THEN c.profit ELSE c.monetary END / c.frequency, 6) AS per_order
    FROM {{ ref('customer_360') }} AS c
    CROSS JOIN {{ ref('insight_facts') }} AS f
    INNER JOIN {{ ref('insight_templates') }} AS t
        ON t.insight = 'loyalty_trap'
),
sums AS (
    SELECT
        count(*) FILTER (WHERE o.is_subject) AS n,
        COALESCE(sum(o.monetary) FILTER (WHERE o.is_subject), 0) AS revenue,
        avg(o.frequency) FILTER (WHERE o.is_subject) AS mean_frequency,
        sum(o.per_order) FILTER (WHERE o.is_subject) AS total,
        sum(o.per_order * o.per_order) FILTER (WHERE o.is_subject) AS squares,
        count(*) FILTER (WHERE NOT o.is_subject) AS other_n,
        avg(o.frequency) FILTER (WHERE NOT o.is_subject) AS other_mean_frequency,
        sum(o.per_order) FILTER (WHERE NOT o.is_subject) AS other_total,
        sum(o.per_order * o.per_order) FILTER (WHERE NOT o.is_subject) AS other_squares
    FROM orders AS o
),
errors AS (
    SELECT
        s.*,
        (s.total / NULLIF(s.n, 0))::float8 AS mean,
        (s.other_total / NULLIF(s.other_n, 0))::float8 AS other_mean,
        {{ sample_variance('s.n', 's.total', 's.squares') }} / s.n AS error,
        {{ sample_variance('s.other_n', 's.other_total', 's.other_squares') }} / s.other_n AS other_error
    FROM sums AS s
),
welch AS (
    SELECT
        e.*,
        (e.mean - e.other_mean) / NULLIF(sqrt(GREATEST(e.error + e.other_error, 0)), 0) AS t,
        (e.error + e.other_error) ^ 2 / NULLIF(e.error ^ 2 / (e.n - 1) + e.other_error ^ 2 / (e.other_n - 1), 0) AS freedom
    FROM errors AS e
    WHERE e.n > 1
        AND e.other_n > 1
),
best AS (
    -- The persona with the most per order, to set the figure against.
    SELECT
        o.persona,
        avg(o.per_order) AS mean
    FROM orders AS o
    GROUP BY o.persona
    ORDER BY avg(o.per_order) DESC, o.persona
    LIMIT 1
)
SELECT
    'loyalty_trap'::text AS insight,
    s.n::integer AS customers,
    s.revenue,
    jsonb_build_object(
        'basis', f.basis_in_words,
        'orders_mean', round(s.mean_frequency, 4),
        'other_orders_mean', round(s.other_mean_frequency, 4),
        'per_order_amount', round(s.total / NULLIF(s.n, 0), 4),
        'other_per_order_amount', round(s.other_total / NULLIF(s.other_n, 0), 4),
        'less_share', (1 - w.mean / NULLIF(w.other_mean, 0)),
        'best_persona', b.persona,
        'best_per_order_amount', round(b.mean, 4),
        'degrees_of_freedom', round(w.freedom::numeric, 1)
    ) AS figures,
    'Welch''s t-test of the mean per order, one-sided'::text AS test_name,
    w.t AS statistic,
    {{ p_above(z_of_t('-w.t', 'w.freedom')) }} AS p_value,
    LEAST(s.n, s.other_n) AS sample_size,
    true AS is_exploratory,
    CASE
        WHEN LEAST(s.n, s.other_n) < 10 THEN 'there are fewer than ten customers on one side'
        WHEN s.mean_frequency <= s.other_mean_frequency THEN 'the persona does not order more often than the others'
        WHEN w.t IS NULL THEN 'all customers are alike'
        WHEN w.other_mean <= 0 THEN 'the others bring nothing per order'
    END AS silence
FROM sums AS s
CROSS JOIN {{ ref('insight_facts') }} AS f
LEFT JOIN welch AS w
    ON true
LEFT JOIN best AS b
    ON true
