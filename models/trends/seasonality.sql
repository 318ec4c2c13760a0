{{ config(materialized='table', indexes=[{'columns': ['cycle', 'position'], 'unique': true}], tags=['trends']) }}

-- How much more or less than usual is ordered in a month of the year, on a weekday, in an hour of the day: 1 is usual.
--   month    Ratio of the orders a day to their centred moving average over twelve months (the first and last of thirteen count half),
--            averaged over the years and scaled to a mean of 1: the trend is taken out (classical decomposition). It needs
--            24 complete months. With 12 to 23 the newest twelve are set against their mean: trend and season are then one, and is_detrended says so.
--   weekday  Orders on the weekday over the centred moving average of seven days on these days; complete weeks only.
--   hour     Orders in the hour over a twenty-fourth of all. No rows where most orders have no time of day.
-- A season that was seen once may be chance: is_supported asks for two cycles.
WITH days AS (
    {{ days_of_orders() }}
),
months AS (
    SELECT
        d.month_number,
        d.month_of_year,
        sum(d.orders) AS orders,
        sum(d.revenue) AS revenue,
        sum(d.orders) / count(*) AS daily_orders,
        sum(d.revenue) / count(*) AS daily_revenue
    FROM days AS d
    GROUP BY d.month_number, d.month_of_year
    HAVING extract(day FROM min(d.calendar_date)) = 1
        AND bool_or(d.is_month_end)
),
around AS (
    SELECT
        m.month_number,
        m.month_of_year,
        m.orders,
        m.revenue,
        m.daily_orders,
        m.daily_revenue,
        (sum(m.daily_orders) OVER thirteen - (first_value(m.daily_orders) OVER thirteen + last_value(m.daily_orders) OVER thirteen) / 2) / 12 AS trend_orders,
        (sum(m.daily_revenue) OVER thirteen - (first_value(m.daily_revenue) OVER thirteen + last_value(m.daily_revenue) OVER thirteen) / 2) / 12 AS trend_revenue,
        count(*) OVER thirteen AS month_count,
        row_number() OVER (ORDER BY m.month_number DESC) AS months_back,
        count(*) OVER () AS total_months
    FROM months AS m
    WINDOW thirteen AS (ORDER BY m.month_number ROWS BETWEEN 6 PRECEDING AND 6 FOLLOWING)
),
month_ratios AS (
    SELECT
        a.month_of_year,
        sum(a.orders) AS orders,
        sum(a.revenue) AS revenue,
        bool_and(a.total_months >= 24) AS is_detrended,
        CASE
            WHEN bool_and(a.total_months >= 24) THEN count(*) FILTER (WHERE a.month_count = 13)
            ELSE count(*) FILTER (WHERE a.months_back <= 12)
        END AS cycle_count,
        CASE
            WHEN bool_and(a.total_months >= 24) THEN avg(a.daily_orders / NULLIF(a.trend_orders, 0)) FILTER (WHERE a.month_count = 13)
            WHEN bool_and(a.total_months >= 12) THEN avg(a.daily_orders) FILTER (WHERE a.months_back <= 12)
        END AS orders_ratio,
        CASE
            WHEN bool_and(a.total_months >= 24) THEN avg(a.daily_revenue / NULLIF(a.trend_revenue, 0)) FILTER (WHERE a.month_count = 13)
            WHEN bool_and(a.total_months >= 12) THEN avg(a.daily_revenue) FILTER (WHERE a.months_back <= 12)
        END AS revenue_ratio
    FROM around AS a
    GROUP BY a.month_of_year
),
month_indices AS (
    SELECT
        'month' AS cycle,
        r.month_of_year AS position,
        r.orders,
        r.revenue,
        r.orders_ratio / NULLIF(avg(r.orders_ratio) OVER (), 0) AS orders_index,
        r.revenue_ratio / NULLIF(avg(r.revenue_ratio) OVER (), 0) AS revenue_index,
        r.cycle_count,
        r.is_detrended
    FROM month_ratios AS r
),
week_days AS (
    SELECT
        d.weekday,
        d.orders,
        d.revenue,
        avg(d.orders) OVER seven AS trend_orders,
        avg(d.revenue) OVER seven AS trend_revenue,
        count(*) OVER seven AS day_count
    FROM days AS d
    WINDOW seven AS (ORDER BY d.calendar_date ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING)
),
weekday_indices AS (
    SELECT
        'weekday' AS cycle,
        w.weekday AS position,
        sum(w.orders) AS orders,
        sum(w.revenue) AS revenue,
        sum(w.orders) / NULLIF(sum(w.trend_orders), 0) AS orders_index,
        sum(w.revenue) / NULLIF(sum(w.trend_revenue), 0) AS revenue_index,
        count(*) AS cycle_count,
        true AS is_detrended
    FROM week_days AS w
    WHERE w.day_count = 7
    GROUP BY w.weekday
),
hours AS (
    SELECT
        h.hour,
        sum(h.orders) AS orders,
        sum(h.revenue) AS revenue,
        sum(sum(h.orders)) OVER () AS all_orders,
        sum(sum(h.revenue)) OVER () AS all_revenue,
        sum(sum(h.midnight_orders)) OVER () AS all_midnight_orders
    FROM {{ ref('order_hours') }} AS h
    GROUP BY h.hour
),
hour_indices AS (
    SELECT
        'hour' AS cycle,
        n.hour AS position,
        COALESCE(h.orders, 0) AS orders,
        COALESCE(h.revenue, 0) AS revenue,
        24 * COALESCE(h.orders, 0) / t.all_orders AS orders_index,
        24 * COALESCE(h.revenue, 0) / NULLIF(t.all_revenue, 0) AS revenue_index,
        (SELECT count(*) FROM days) AS cycle_count,
        false AS is_detrended
    FROM generate_series(0, 23) AS n (hour)
    CROSS JOIN (
        SELECT
            max(h.all_orders) AS all_orders,
            max(h.all_revenue) AS all_revenue,
            max(h.all_midnight_orders) AS all_midnight_orders
        FROM hours AS h
    ) AS t
    LEFT JOIN hours AS h
        ON h.hour = n.hour
    WHERE 2 * t.all_midnight_orders < t.all_orders
)
SELECT
    i.cycle,
    i.position::smallint AS position,
    i.orders::bigint AS orders,
    i.revenue,
    round(i.orders_index, 6)::float8 AS orders_index,
    round(i.revenue_index, 6)::float8 AS revenue_index,
    i.cycle_count::integer AS cycle_count,
    i.is_detrended,
    i.cycle_count >= 2 AND i.orders_index IS NOT NULL AS is_supported
FROM (
    SELECT * FROM month_indices
    UNION ALL
    SELECT * FROM weekday_indices
    UNION ALL
    SELECT * FROM hour_indices
) AS i
