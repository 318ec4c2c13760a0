-- The moments that occur in the histories of a SELECT: repeat purchases with days since the first purchase, at the last purchase and now.
-- Told on the clock $1, operational days of the last d days at place d + 1; null is the calendar. `customers` are those who are of this age now. A row that contradicts itself is counted: naming it is for the fit.
WITH told AS (
    SELECT
        h.repeat_count::float8 AS repeat_count,
        h.last_purchase_age_days::float8 AS last_days,
        h.age_days::float8 AS days,
        count(*) AS customers
    FROM (
[select]
    ) AS h
    GROUP BY h.repeat_count::float8, h.last_purchase_age_days::float8, h.age_days::float8
),
histories AS (
    SELECT
        t.repeat_count,
        [last_days] AS last_days,
        [days] AS days,
        t.customers,
        t.repeat_count IS NULL OR t.last_days IS NULL OR t.days IS NULL
            OR NOT (t.repeat_count >= 0 AND t.repeat_count < 'Infinity' AND t.repeat_count = floor(t.repeat_count))
            OR NOT (t.last_days >= 0 AND t.last_days <= t.days AND t.days < 'Infinity')
            OR (t.repeat_count > 0) <> (t.last_days > 0) AS is_unsound
    FROM told AS t
),
moments AS (
    SELECT
        h.repeat_count,
        m.days,
        sum(m.customers) AS customers,
        sum(h.customers) FILTER (WHERE h.is_unsound) AS unsound
    FROM histories AS h
    CROSS JOIN LATERAL (VALUES (h.days, h.customers), (h.last_days, 0)) AS m (days, customers)
    GROUP BY h.repeat_count, m.days
)
SELECT
    m.repeat_count,
    m.days,
    m.customers::float8 AS customers,
    COALESCE(m.unsound, 0)::bigint AS unsound
FROM moments AS m
ORDER BY m.repeat_count, m.days
