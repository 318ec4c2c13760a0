-- What is to be said of the customers of a SELECT, by two rows of the table over moments: Gamma-Gamma's p, q and v $1 (null where the
-- observed means stand in for it), the population's mean value $2, the clock $3 (operational days of the last d days at place d + 1; null is the calendar). `analytics::ltv::score` says the same in memory.
WITH histories AS (
    SELECT
        t.{key}::text AS key,
        t.repeat_count::float8 AS repeat_count,
        [last_days] AS last_days,
        [days] AS days,
        -- Orders of known value, and their mean.
        t.repeat_count::float8 + [first_count] AS known,
        [known_mean] AS mean[carried]
    FROM (
[select]
    ) AS t
),
lives AS (
    SELECT
        h.*,
        [ahead],
        a.curve,
        -- exp() of more is an error; what is that improbable is 0 either way.
        CASE
            WHEN l.gone_after > 0
                THEN LEAST(
                    1 / (l.gone_after * exp(LEAST(GREATEST(l.ln_density - a.ln_density, 0), 690)) + 1 - a.gone_by), 1
                )
            ELSE 1
        END AS alive,
        CASE
            WHEN (h.mean > 0) IS NOT TRUE THEN $2::float8
            WHEN $1::float8[] IS NULL THEN h.mean
            ELSE ($1::float8[])[1] * (($1::float8[])[3] + h.known * h.mean)
                / (($1::float8[])[1] * h.known + ($1::float8[])[2] - 1)
        END AS order_value,
        CASE
            WHEN $1::float8[] IS NULL THEN COALESCE(CASE WHEN h.mean > 0 THEN h.mean END, $2::float8)
            ELSE ($1::float8[])[3] + h.known * COALESCE(CASE WHEN h.mean > 0 THEN h.mean END, $2::float8)
        END AS unit
    FROM histories AS h
    INNER JOIN {store}.{moments} AS a
        ON a.repeat_count = h.repeat_count AND a.days = h.days
    INNER JOIN {store}.{moments} AS l
        ON l.repeat_count = h.repeat_count AND l.days = h.last_days
)
