{{ config(materialized='view', access='private', tags=['insights']) }}

-- Whether the top 1 % bring more than they would where amounts are spread like an exponential distribution, whose top p
-- have p (1 - ln p): 5.6 % for 1 %. The standard error of a top share is that of a Lorenz ordinate (Beach and Davidson
-- 1983): with the amount q at the cut, a customer moves the share S by ((x - q)+ + p q - S x) / (n mean). At the cut both
-- sides agree, so ties there decide nothing.
WITH cut AS (
    SELECT
        d.basis,
        f.basis_in_words,
        d.customers,
        d.customers - d.lowest_customers AS top_customers,
        (d.customers - d.lowest_customers)::numeric / d.customers AS p,
        d.amount,
        d.cut_amount AS q,
        round((d.amount - d.lowest_amount) / NULLIF(d.amount, 0), 15) AS s
    FROM {{ ref('value_distribution') }} AS d
    INNER JOIN {{ ref('insight_facts') }} AS f
        ON f.basis = d.basis
    WHERE d.lowest_customers = d.customers * 99 / 100
),
amounts AS (
    SELECT
        c.monetary,
        CASE WHEN k.basis = 'profit' THEN c.profit ELSE c.monetary END AS x,
        k.q
    FROM {{ ref('customer_360') }} AS c
    CROSS JOIN cut AS k
),
sums AS (
    SELECT
        count(*) FILTER (WHERE a.x > a.q) AS above_n,
        COALESCE(sum(a.x) FILTER (WHERE a.x > a.q), 0) AS above_sum,
        COALESCE(sum(a.x * a.x) FILTER (WHERE a.x > a.q), 0) AS above_squares,
        COALESCE(sum(a.monetary) FILTER (WHERE a.x > a.q), 0) AS above_revenue,
        count(*) FILTER (WHERE a.x <= a.q) AS below_n,
        COALESCE(sum(a.x) FILTER (WHERE a.x <= a.q), 0) AS below_sum,
        COALESCE(sum(a.x * a.x) FILTER (WHERE a.x <= a.q), 0) AS below_squares
    FROM amounts AS a
),
shares AS (
    -- The influence is (1 - S) x - (1 - p) q above the cut and p q - S x below it; the sums of its square follow from
    -- those of x and of its square.
    SELECT
        k.*,
        t.above_n,
        t.above_revenue,
        (k.p * (1 - ln(k.p)))::float8 AS expected_share,
        sqrt(GREATEST(
            (1 - k.s) ^ 2 * t.above_squares - 2 * (1 - k.s) * (1 - k.p) * k.q * t.above_sum + t.above_n * ((1 - k.p) * k.q) ^ 2
            + t.below_n * (k.p * k.q) ^ 2 - 2 * k.p * k.q * k.s * t.below_sum + k.s ^ 2 * t.below_squares,
            0
        )::float8) / NULLIF(k.amount, 0)::float8 AS standard_error
    FROM cut AS k
    CROSS JOIN sums AS t
)
SELECT
    'whale_effect'::text AS insight,
    s.above_n::integer AS customers,
    s.above_revenue AS revenue,
    jsonb_build_object(
        'basis', s.basis_in_words,
        'top_count', s.top_customers,
        'top_share', s.p::float8,
        'top_amount_share', s.s::float8,
        'expected_share', s.expected_share,
        'standard_error_share', s.standard_error,
        'top_mean_amount', round(s.s * s.amount / s.top_customers, 4),
        'all_mean_amount', round(s.amount / s.customers, 4)
    ) AS figures,
    'z-test of the top share against that of an exponential distribution, one-sided'::text AS test_name,
    (s.s::float8 - s.expected_share) / NULLIF(s.standard_error, 0) AS statistic,
    {{ p_above('(s.s::float8 - s.expected_share) / NULLIF(s.standard_error, 0)') }} AS p_value,
    s.top_customers AS sample_size,
    false AS is_exploratory,
    CASE
        WHEN s.customers < {{ var('min_customers', 100) }} THEN 'there are too few customers to speak of one percent of them'
        WHEN s.amount <= 0 THEN 'all customers together are not above 0'
        WHEN s.standard_error IS NULL OR s.standard_error = 0 THEN 'all customers are alike'
    END AS silence
FROM shares AS s
