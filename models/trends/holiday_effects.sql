{{ config(materialized='table', indexes=[{'columns': ['country', 'name', 'holiday_date'], 'unique': true}], tags=['trends']) }}

-- What the days around a holiday brought, against the same weekdays in the four weeks before and after, and whether those who came first in
-- these days came back. Days of other holidays are left out of the comparison. Where one of the two sides is missing for a weekday,
-- the trend cannot be told from the holiday, and nothing is said.
WITH windows AS (
    SELECT
        h.country,
        h.holiday_date,
        h.name,
        h.holiday_date - h.days_before AS window_start_date,
        h.holiday_date + h.days_after AS window_end_date
    FROM {{ ref('holidays') }} AS h
    WHERE h.country IN ({{ var('holiday_countries', ['everywhere', 'US', 'GB']) | literal }})
),
days AS (
    SELECT
        d.calendar_date,
        d.weekday,
        d.orders,
        d.revenue,
        EXISTS (
            SELECT 1
            FROM windows AS w
            WHERE d.calendar_date BETWEEN w.window_start_date AND w.window_end_date
        ) AS is_in_window
    FROM ({{ days_of_orders() }}) AS d
),
seen AS (
    -- Holidays whose days all lie within the data.
    SELECT
        w.country,
        w.holiday_date,
        w.name,
        w.window_start_date,
        w.window_end_date
    FROM windows AS w
    WHERE w.window_start_date >= (SELECT min(d.calendar_date) FROM days AS d)
        AND w.window_end_date <= (SELECT max(d.calendar_date) FROM days AS d)
),
usual AS (
    SELECT
        s.country,
        s.holiday_date,
        s.name,
        d.weekday,
        avg(d.orders) FILTER (WHERE d.calendar_date < s.window_start_date) AS orders_before,
        avg(d.orders) FILTER (WHERE d.calendar_date > s.window_end_date) AS orders_after,
        avg(d.revenue) FILTER (WHERE d.calendar_date < s.window_start_date) AS revenue_before,
        avg(d.revenue) FILTER (WHERE d.calendar_date > s.window_end_date) AS revenue_after
    FROM seen AS s
    INNER JOIN days AS d
        ON d.calendar_date BETWEEN s.window_start_date - 28 AND s.window_end_date + 28
        AND NOT d.is_in_window
    GROUP BY s.country, s.holiday_date, s.name, d.weekday
),
effects AS (
    SELECT
        s.country,
        s.holiday_date,
        s.name,
        s.window_start_date,
        s.window_end_date,
        sum(d.orders) AS orders,
        sum(d.revenue) AS revenue,
        bool_and(u.orders_before IS NOT NULL AND u.orders_after IS NOT NULL) AS is_comparable,
        sum((u.orders_before + u.orders_after) / 2) AS expected_orders,
        sum((u.revenue_before + u.revenue_after) / 2) AS expected_revenue
    FROM seen AS s
    INNER JOIN days AS d
        ON d.calendar_date BETWEEN s.window_start_date AND s.window_end_date
    LEFT JOIN usual AS u
        ON u.country = s.country
        AND u.holiday_date = s.holiday_date
        AND u.name = s.name
        AND u.weekday = d.weekday
    GROUP BY s.country, s.holiday_date, s.name, s.window_start_date, s.window_end_date
),
cohorts AS (
    -- Only customers whose 90 days are over.
    SELECT
        s.country,
        s.holiday_date,
        s.name,
        sum(a.customers) FILTER (WHERE a.first_order_date BETWEEN s.window_start_date AND s.window_end_date) AS customers,
        sum(a.repeat_customers) FILTER (WHERE a.first_order_date BETWEEN s.window_start_date AND s.window_end_date) AS repeat_customers,
        sum(a.customers) FILTER (WHERE NOT d.is_in_window) AS other_customers,
        sum(a.repeat_customers) FILTER (WHERE NOT d.is_in_window) AS other_repeat_customers
    FROM seen AS s
    INNER JOIN {{ ref('acquisition_days') }} AS a
        ON a.first_order_date BETWEEN s.window_start_date - 28 AND s.window_end_date + 28
    INNER JOIN days AS d
        ON d.calendar_date = a.first_order_date
    WHERE a.first_order_date + 90 < {{ day_of(as_of) }}
    GROUP BY s.country, s.holiday_date, s.name
)
SELECT
    e.country,
    e.name,
    e.holiday_date,
    e.window_start_date,
    e.window_end_date,
    e.orders::bigint AS orders,
    round(CASE WHEN e.is_comparable THEN e.expected_orders END, 4) AS expected_orders,
    (CASE WHEN e.is_comparable THEN round(e.orders / NULLIF(e.expected_orders, 0) - 1, 6) END)::float8 AS orders_uplift_share,
    e.revenue,
    round(CASE WHEN e.is_comparable THEN e.expected_revenue END, 4) AS expected_revenue,
    (CASE WHEN e.is_comparable THEN round(e.revenue / NULLIF(e.expected_revenue, 0) - 1, 6) END)::float8 AS revenue_uplift_share,
    COALESCE(c.customers, 0)::integer AS acquired_customers,
    (c.repeat_customers / NULLIF(c.customers, 0)::numeric)::float8 AS repeat_90d_share,
    (c.other_repeat_customers / NULLIF(c.other_customers, 0)::numeric)::float8 AS other_repeat_90d_share,
    e.is_comparable AS is_supported
FROM effects AS e
LEFT JOIN cohorts AS c
    ON c.country = e.country
    AND c.holiday_date = e.holiday_date
    AND c.name = e.name
