{{ config(materialized='table', indexes=[{'columns': ['grain', 'basis', 'dimension', 'dimension_value', 'cohort_start_date', 'period_n'], 'unique': true}], tags=['marts', 'cohorts']) }}

-- A cohort is everybody whose first order fell in one week, month or quarter. Calendar periods are those of the calendar; anniversary
-- periods begin for each customer on the day of the own first order. Periods without an order have their cell with zeros. A return
-- before the first order counts in period 0, so that the revenue of all cells is the net revenue of all customers.
-- Only small tables are read here: cohort_activity has counted the orders.
{%- set parts = [] %}
{%- for grain in cohort_grains() %}
{%- for basis in ['calendar', 'anniversary'] %}{% do parts.append((grain, basis)) %}{% endfor %}
{%- endfor %}
WITH activity AS (
    {%- for grain, basis in parts %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        '{{ grain }}' AS grain,
        '{{ basis }}' AS basis,
        a.dimension,
        a.dimension_value,
        {{ 'a.cohort_number / 3' if grain == 'quarter' else 'a.cohort_number' }} AS cohort_number,
        {%- if grain == 'quarter' and basis == 'calendar' %}
        (a.cohort_number + a.calendar_n) / 3 - a.cohort_number / 3 AS period_n,
        {%- else %}
        a.{{ basis }}_n{{ ' / 3' if grain == 'quarter' }} AS period_n,
        {%- endif %}
        {%- set kind = ('anniversary_' if basis == 'anniversary' else '') ~ grain %}
        sum(a.active_{{ kind }}) AS active,
        sum(a.last_orders) AS last_orders,
        sum(a.orders) AS orders,
        sum(a.revenue) AS revenue,
        CASE WHEN sum(a.profit_orders) > 0 THEN sum(a.profit) END AS profit
    FROM {{ ref('cohort_activity') }} AS a
    WHERE a.grain = '{{ 'week' if grain == 'week' else 'month' }}'
    GROUP BY 3, 4, 5, 6
    {%- endfor %}
),
first_days AS (
    SELECT DISTINCT a.first_order_date
    FROM {{ ref('customer_acquisition') }} AS a
),
today AS (
    SELECT
        d.calendar_date,
        d.week_number,
        d.month_number,
        d.quarter_number,
        d.day_of_month,
        d.is_month_end
    FROM {{ ref('stg_calendar') }} AS d
    WHERE d.calendar_date = {{ last_day(as_of) }}
),
-- How far the periods of each cohort reach: its anniversaries begin with the first member and are over with the last.
reach AS (
    {%- for grain in cohort_grains() %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        '{{ grain }}' AS grain,
        d.{{ grain }}_number AS cohort_number,
        min(f.first_order_date) AS earliest_date,
        max(f.first_order_date) AS latest_date
    FROM first_days AS f
    INNER JOIN {{ ref('stg_calendar') }} AS d
        ON d.calendar_date = f.first_order_date
    GROUP BY d.{{ grain }}_number
    {%- endfor %}
),
periods AS (
    {%- for grain, basis in parts %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        r.grain,
        '{{ basis }}' AS basis,
        r.cohort_number,
        n.period_n,
        {{ period_start(grain, 'r.cohort_number') }} AS cohort_start_date,
        {{ period_start(grain, 'r.cohort_number + n.period_n') }} AS period_start_date,
        {%- if basis == 'calendar' %}
        {{ period_start(grain, 'r.cohort_number + n.period_n + 1') }} <= {{ day_of(as_of) }} AS is_complete
        {%- else %}
        {{ period_start(grain, 'r.cohort_number + 1') }} <= {{ day_of(as_of) }}
            AND {{ anniversary(grain, 'r.latest_date', 'n.period_n + 1') }} <= {{ day_of(as_of) }} AS is_complete
        {%- endif %}
    FROM reach AS r
    INNER JOIN {{ ref('stg_calendar') }} AS e
        ON e.calendar_date = r.earliest_date
    CROSS JOIN today AS t
    CROSS JOIN LATERAL generate_series(
        0,
        {%- if basis == 'calendar' %}
        t.{{ grain }}_number - r.cohort_number
        {%- elif grain == 'week' %}
        (t.calendar_date - r.earliest_date) / 7
        {%- else %}
        {{ months_since('e', 't') }}{{ ' / 3' if grain == 'quarter' }}
        {%- endif %}
    ) AS n (period_n)
    WHERE r.grain = '{{ grain }}'
    {%- endfor %}
),
cohorts AS (
    -- Everybody is active in period 0, so those who are make up the cohort.
    SELECT
        a.grain,
        a.basis,
        a.dimension,
        a.dimension_value,
        a.cohort_number,
        sum(a.active) FILTER (WHERE a.period_n = 0) AS cohort_size,
        bool_or(a.profit IS NOT NULL) AS has_profit
    FROM activity AS a
    GROUP BY a.grain, a.basis, a.dimension, a.dimension_value, a.cohort_number
),
-- A cell is named by one text: six columns compared one by one let the planner expect a single row, and compare every cell with every other.
found AS MATERIALIZED (
    SELECT
        concat_ws('|', a.grain, a.basis, a.cohort_number, a.period_n, a.dimension, a.dimension_value) AS cell,
        a.cohort_number,
        a.active,
        a.last_orders,
        a.orders,
        a.revenue,
        a.profit
    FROM activity AS a
),
places AS MATERIALIZED (
    SELECT
        concat_ws('|', c.grain, c.basis, c.cohort_number, p.period_n, c.dimension, c.dimension_value) AS cell,
        c.grain,
        c.basis,
        c.dimension,
        c.dimension_value,
        c.cohort_number,
        c.cohort_size,
        c.has_profit,
        p.cohort_start_date,
        p.period_n,
        p.period_start_date,
        p.is_complete
    FROM cohorts AS c
    INNER JOIN periods AS p
        ON p.grain = c.grain
        AND p.basis = c.basis
        AND p.cohort_number = c.cohort_number
),
cells AS (
    SELECT
        p.grain,
        p.basis,
        p.dimension,
        p.dimension_value,
        p.cohort_start_date,
        p.period_n,
        p.period_start_date,
        p.is_complete,
        p.cohort_size,
        COALESCE(a.active, 0) AS active,
        sum(a.last_orders) OVER (later ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS active_or_later,
        COALESCE(a.orders, 0) AS orders,
        COALESCE(a.revenue, 0) AS revenue,
        CASE WHEN a.cohort_number IS NULL AND p.has_profit THEN 0 ELSE a.profit END AS profit,
        sum(a.revenue) OVER (later ROWS UNBOUNDED PRECEDING) AS revenue_to_date,
        sum(a.profit) OVER (later ROWS UNBOUNDED PRECEDING) AS profit_to_date
    FROM places AS p
    LEFT JOIN found AS a
        ON a.cell = p.cell
    WINDOW later AS (PARTITION BY p.grain, p.basis, p.dimension, p.dimension_value, p.cohort_number ORDER BY p.period_n)
)
SELECT
    c.grain,
    c.basis,
    c.dimension,
    c.dimension_value,
    c.cohort_start_date,
    c.period_n,
    c.period_start_date,
    c.cohort_size::integer AS cohort_size,
    c.active::integer AS active,
    COALESCE(c.active_or_later, 0)::integer AS active_or_later,
    c.orders::integer AS orders,
    c.revenue,
    c.profit,
    c.revenue_to_date,
    c.profit_to_date,
    (c.active / c.cohort_size)::float8 AS active_share,
    (COALESCE(c.active_or_later, 0) / c.cohort_size)::float8 AS active_or_later_share,
    round(c.revenue / c.cohort_size, 4) AS revenue_per_customer,
    round(c.profit / c.cohort_size, 4) AS profit_per_customer,
    round(c.revenue_to_date / c.cohort_size, 4) AS revenue_to_date_per_customer,
    round(c.profit_to_date / c.cohort_size, 4) AS profit_to_date_per_customer,
    c.is_complete
FROM cells AS c
