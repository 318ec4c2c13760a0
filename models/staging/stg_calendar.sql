{{ config(materialized='table', access='private', replicated=true, indexes=[{'columns': ['calendar_date'], 'unique': true}], tags=['staging', 'calendar']) }}

-- Every day from the first order or return to the last day of the run, with the numbers that periods are counted by.
-- Looking a day up here costs a tenth of taking its month apart in each of millions of rows.
-- Weeks are numbered from Monday 0001-01-01, months and quarters from year 0, so that a difference of two numbers is a number of periods.
WITH days AS (
    SELECT d.day_at::date AS calendar_date
    FROM (SELECT min(o.order_date) AS first_date FROM {{ ref('customer_orders') }} AS o) AS r
    CROSS JOIN LATERAL generate_series(
        r.first_date::timestamp,
        {{ day_of(as_of) }}::timestamp,
        INTERVAL '1 day'
    ) AS d (day_at)
)
SELECT
    d.calendar_date,
    (d.calendar_date - DATE '0001-01-01') / 7 AS week_number,
    (12 * extract(year FROM d.calendar_date) + extract(month FROM d.calendar_date) - 1)::integer AS month_number,
    (4 * extract(year FROM d.calendar_date) + extract(quarter FROM d.calendar_date) - 1)::integer AS quarter_number,
    extract(day FROM d.calendar_date)::smallint AS day_of_month,
    extract(month FROM d.calendar_date + 1) <> extract(month FROM d.calendar_date) AS is_month_end,
    extract(month FROM d.calendar_date)::smallint AS month_of_year,
    extract(isodow FROM d.calendar_date)::smallint AS weekday,
    d.calendar_date < {{ day_of(as_of) }} AS is_over
FROM days AS d
