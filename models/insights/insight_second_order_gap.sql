{{ config(materialized='view', access='private', tags=['insights']) }}

-- Whether the step from the first order to the second loses more customers than the next one does: a z-test of two
-- proportions over customers whose first order is half a year old or older. Those who came to a second order had less time
-- left for the third, which works against the statement and not for it.
WITH sums AS (
    SELECT
        count(*) AS n,
        count(*) FILTER (WHERE c.frequency >= 2) AS second_n,
        count(*) FILTER (WHERE c.frequency >= 3) AS third_n,
        COALESCE(sum(c.monetary) FILTER (WHERE c.frequency = 1), 0) AS revenue,
        -- What came after the first order, by the customer's own mean.
        sum(c.average_order_value * (c.frequency - 1)) FILTER (WHERE c.frequency >= 2) AS further_amount
    FROM {{ ref('customer_360') }} AS c
    WHERE c.first_order_date <= {{ last_day(as_of) }} - 180
),
shares AS (
    SELECT
        s.*,
        s.n - s.second_n AS once_n,
        s.second_n::float8 / NULLIF(s.n, 0) AS second_share,
        s.third_n::float8 / NULLIF(s.second_n, 0) AS third_share,
        (s.second_n + s.third_n)::float8 / NULLIF(s.n + s.second_n, 0) AS pooled_share,
        s.further_amount / NULLIF(s.second_n, 0) AS further_mean
    FROM sums AS s
),
tests AS (
    SELECT
        h.*,
        (h.third_share - h.second_share)
            / NULLIF(sqrt(h.pooled_share * (1 - h.pooled_share) * (1 / h.n::float8 + 1 / NULLIF(h.second_n, 0)::float8)), 0) AS z
    FROM shares AS h
    WHERE h.n > 0
)
SELECT
    'second_order_gap'::text AS insight,
    t.once_n::integer AS customers,
    t.revenue,
    jsonb_build_object(
        'mature_count', t.n,
        'once_count', t.once_n,
        'once_share', t.once_n::float8 / t.n,
        'second_share', t.second_share,
        'third_share', t.third_share,
        'further_amount', round(t.further_mean, 4),
        'more_share', 0.05,
        'worth_amount', round(t.further_mean * t.once_n * 0.05, 4)
    ) AS figures,
    'z-test of two proportions, one-sided'::text AS test_name,
    t.z AS statistic,
    {{ p_above('t.z') }} AS p_value,
    LEAST(t.once_n, t.second_n) AS sample_size,
    false AS is_exploratory,
    CASE
        WHEN LEAST(t.once_n, t.second_n) < 10 THEN 'fewer than ten customers ordered once, or more than once, and first half a year ago'
        WHEN t.z IS NULL THEN 'all customers are alike'
        WHEN t.further_mean <= 0 THEN 'further orders brought nothing'
    END AS silence
FROM tests AS t
