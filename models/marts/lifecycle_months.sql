{{ config(materialized='table', indexes=[{'columns': ['month_date'], 'unique': true}], tags=['marts', 'cohorts', 'trends']) }}

-- Four states of a customer in a month: new with the first order, returning after an order in the month before, resurrecting after a pause
-- of a month or more, dormant with an order in the month before and none now. So active(m) = new + returning + resurrecting, and
-- dormant(m) = active(m - 1) - returning(m).
WITH months AS (
    SELECT
        k.month_number,
        sum(d.month_customers) AS active,
        sum(d.new_customers) AS new,
        sum(d.returning_customers) AS returning,
        sum(d.resurrecting_customers) AS resurrecting
    FROM {{ ref('stg_calendar') }} AS k
    LEFT JOIN {{ ref('order_days') }} AS d
        ON d.order_date = k.calendar_date
    WHERE k.calendar_date <= {{ last_day(as_of) }}
    GROUP BY k.month_number
),
states AS (
    SELECT
        m.month_number,
        COALESCE(m.active, 0) AS active,
        COALESCE(m.new, 0) AS new,
        COALESCE(m.returning, 0) AS returning,
        COALESCE(m.resurrecting, 0) AS resurrecting,
        COALESCE(lag(m.active) OVER in_time, 0) AS active_before
    FROM months AS m
    WINDOW in_time AS (ORDER BY m.month_number)
)
SELECT
    {{ period_start('month', 's.month_number') }} AS month_date,
    s.active::integer AS active_customers,
    s.new::integer AS new_customers,
    s.returning::integer AS returning_customers,
    s.resurrecting::integer AS resurrecting_customers,
    (s.active_before - s.returning)::integer AS dormant_customers,
    (s.returning / NULLIF(s.active_before, 0)::numeric)::float8 AS returning_share,
    -- Above 1 the base of active customers grows.
    ((s.new + s.resurrecting) / NULLIF(s.active_before - s.returning, 0)::numeric)::float8 AS quick_ratio,
    {{ period_start('month', 's.month_number + 1') }} <= {{ day_of(as_of) }} AS is_complete
FROM states AS s
