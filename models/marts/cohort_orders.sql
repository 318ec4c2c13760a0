{{ config(materialized='view', access='private', distributed_by='customer_id', tags=['marts', 'cohorts']) }}

-- Each order and return with the periods it falls into, counted from its customer's first order, by the calendar and by
-- anniversaries. cohort_sums reads it once for all that asks for cohorts, lifecycles or gaps, and nothing keeps the rows.
-- `is_first_in_...` marks the customer's first order of each of the periods, so the marks are as many as the periods in which the
-- customer was active, and need no DISTINCT. A quarter of anniversaries is three of the months.
{%- set dimensions = cohort_dimensions() %}
{%- set columns = {'channel': 'channel', 'category': 'category', 'campaign': 'campaign_id', 'country': 'country'} %}
WITH members AS (
    SELECT
        a.customer_id,
        a.first_order_date,
        d.week_number,
        d.month_number,
        d.quarter_number,
        d.day_of_month
        {%- for dimension in dimensions %},
        CASE
            WHEN a.{{ columns[dimension] }} IS NULL THEN '{{ '(none)' if dimension == 'campaign' else '(unknown)' }}'
            WHEN {{ dimension }}_values.value IS NOT NULL THEN a.{{ columns[dimension] }}
            ELSE '(other)'
        END AS {{ dimension }}
        {%- endfor %}
    FROM {{ ref('customer_acquisition') }} AS a
    INNER JOIN {{ ref('stg_calendar') }} AS d
        ON d.calendar_date = a.first_order_date
    {%- for dimension in dimensions %}
    LEFT JOIN {{ ref('cohort_values') }} AS {{ dimension }}_values
        ON {{ dimension }}_values.dimension = '{{ dimension }}'
        AND {{ dimension }}_values.value = a.{{ columns[dimension] }}
    {%- endfor %}
),
sequenced AS (
    -- Returns go in a sequence of their own: they neither begin a period nor end one.
    SELECT
        o.customer_id,
        o.is_return,
        o.order_date,
        o.revenue,
        o.profit,
        lag(o.order_date) OVER in_time AS previous_date,
        lead(o.order_date) OVER in_time AS next_date
    FROM {{ ref('customer_orders') }} AS o
    -- Orders of one instant are told apart by what they amount to, so that their physical order decides nothing.
    WINDOW in_time AS (PARTITION BY o.customer_id COLLATE "C", o.is_return ORDER BY o.ordered_at, o.revenue, o.profit)
),
placed AS (
    SELECT
        s.customer_id,
        s.is_return,
        s.order_date,
        s.previous_date,
        s.next_date,
        m.first_order_date,
        s.revenue,
        s.profit,
        m.week_number AS cohort_week,
        m.month_number AS cohort_month,
        GREATEST(d.week_number - m.week_number, 0) AS week_n,
        GREATEST(d.month_number - m.month_number, 0) AS month_n,
        GREATEST((s.order_date - m.first_order_date) / 7, 0) AS anniversary_week_n,
        GREATEST({{ months_since('m', 'd') }}, 0) AS anniversary_month_n,
        d.week_number - p.week_number AS since_week,
        d.month_number - p.month_number AS since_month,
        d.quarter_number - p.quarter_number AS since_quarter,
        (s.previous_date - m.first_order_date) / 7 AS previous_anniversary_week_n,
        {{ months_since('m', 'p') }} AS previous_anniversary_month_n
        {%- for dimension in dimensions %},
        m.{{ dimension }}
        {%- endfor %}
    FROM sequenced AS s
    INNER JOIN members AS m
        ON m.customer_id = s.customer_id
    INNER JOIN {{ ref('stg_calendar') }} AS d
        ON d.calendar_date = s.order_date
    LEFT JOIN {{ ref('stg_calendar') }} AS p
        ON p.calendar_date = s.previous_date
)
SELECT
    p.customer_id,
    p.is_return,
    p.order_date,
    p.previous_date,
    p.first_order_date,
    p.revenue,
    p.profit,
    p.cohort_week,
    p.cohort_month,
    p.week_n,
    p.month_n,
    p.anniversary_week_n,
    p.anniversary_month_n,
    p.since_month,
    NOT p.is_return AND p.next_date IS NULL AS is_last_order,
    NOT p.is_return AND p.since_week IS DISTINCT FROM 0 AS is_first_in_week,
    NOT p.is_return AND p.since_month IS DISTINCT FROM 0 AS is_first_in_month,
    NOT p.is_return AND p.since_quarter IS DISTINCT FROM 0 AS is_first_in_quarter,
    NOT p.is_return AND p.previous_anniversary_week_n IS DISTINCT FROM p.anniversary_week_n AS is_first_in_anniversary_week,
    NOT p.is_return AND p.previous_anniversary_month_n IS DISTINCT FROM p.anniversary_month_n AS is_first_in_anniversary_month,
    NOT p.is_return AND p.previous_anniversary_month_n / 3 IS DISTINCT FROM p.anniversary_month_n / 3 AS is_first_in_anniversary_quarter
    {%- for dimension in dimensions %},
    p.{{ dimension }}
    {%- endfor %}
FROM placed AS p
