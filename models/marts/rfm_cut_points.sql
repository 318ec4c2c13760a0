{{ config(materialized='table', replicated=true, tags=['marts', 'rfm']) }}

-- The 4 x 3 values that part the scores, so that scoring a customer needs no other customer.
-- A customer has score s when at least ceil((s - 1) * (n - 1) / 5) of the n customers are strictly worse,
-- that is, when he beats the customer at that place, counted from the worst. Half a place is taken off
-- before dividing by n, so that percentile_disc cannot land on the next place by a rounding error.
-- Percentiles need all customers at once: this is the one model that sorts them.
WITH population AS (
    SELECT count(*) AS customers
    FROM {{ ref('customers') }} AS c
),
places AS (
    SELECT
        array_agg(
            (GREATEST(ceil((s.score - 1) * (p.customers - 1) / 5.0), 1) - 0.5)::float8 / p.customers::float8
            ORDER BY s.score
        ) AS fractions
    FROM population AS p
    CROSS JOIN (VALUES (2), (3), (4), (5)) AS s (score)
    WHERE p.customers >= {{ var('min_customers', 100) }}::bigint
),
cuts AS (
    SELECT
        percentile_disc(l.fractions) WITHIN GROUP (ORDER BY {{ last_day(as_of) }} - c.last_order_date DESC) AS recency_days,
        percentile_disc(l.fractions) WITHIN GROUP (ORDER BY c.order_count) AS frequency,
        percentile_disc(l.fractions) WITHIN GROUP (ORDER BY c.net_revenue::float8) AS monetary
    FROM {{ ref('customers') }} AS c
    CROSS JOIN places AS l
    GROUP BY l.fractions
)
SELECT
    m.measure,
    s.score::smallint AS score,
    m.cut_points[s.score - 1] AS cut_point
FROM cuts AS t
CROSS JOIN LATERAL (
    VALUES
        ('recency_days', t.recency_days::float8[]),
        ('frequency', t.frequency::float8[]),
        ('monetary', t.monetary)
) AS m (measure, cut_points)
CROSS JOIN (VALUES (2), (3), (4), (5)) AS s (score)
-- Below `min_customers` there are no places, so no cut points and no rows.
WHERE m.cut_points IS NOT NULL
