{{ config(materialized='table', indexes=[{'columns': ['grain', 'period_start_date'], 'unique': true}], tags=['trends']) }}

-- Orders, customers and money of each day, week and month from the first order on; periods without an order have their row. A year before is the same
-- month, and for days and weeks 364 days or 52 weeks before, so that weekdays fall on weekdays.
WITH days AS (
    SELECT
        k.calendar_date,
        k.week_number,
        k.month_number,
        d.orders,
        d.day_customers,
        d.week_customers,
        d.month_customers,
        d.new_customers,
        d.gross_revenue,
        d.returned_revenue,
        d.new_revenue,
        d.revenue,
        CASE WHEN d.profit_orders > 0 THEN d.profit END AS profit
    FROM {{ ref('stg_calendar') }} AS k
    LEFT JOIN {{ ref('order_days') }} AS d
        ON d.order_date = k.calendar_date
    WHERE k.calendar_date <= {{ last_day(as_of) }}
),
span AS (
    SELECT
        min(c.first_order_date) AS first_date,
        bool_or(c.profit IS NOT NULL) AS has_profit
    FROM {{ ref('customers') }} AS c
),
periods AS (
    {%- for grain, start, length in [('day', 'd.calendar_date', 1), ('week', period_start('week', 'd.week_number'), 7), ('month', period_start('month', 'd.month_number'), 0)] %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        '{{ grain }}' AS grain,
        {{ start }} AS period_start_date,
        {{ '(' ~ start ~ "::timestamp + INTERVAL '1 month')::date" if grain == 'month' else start ~ ' + ' ~ length }} AS next_start_date,
        {{ '(' ~ start ~ "::timestamp - INTERVAL '1 month')::date" if grain == 'month' else start ~ ' - ' ~ length }} AS previous_start_date,
        {{ '(' ~ start ~ "::timestamp - INTERVAL '12 months')::date" if grain == 'month' else start ~ ' - 364' }} AS year_before_start_date,
        COALESCE(sum(d.orders), 0) AS orders,
        COALESCE(sum(d.{{ grain }}_customers), 0) AS customers,
        COALESCE(sum(d.new_customers), 0) AS new_customers,
        COALESCE(sum(d.gross_revenue), 0) AS gross_revenue,
        COALESCE(sum(d.returned_revenue), 0) AS returned_revenue,
        COALESCE(sum(d.revenue), 0) AS revenue,
        COALESCE(sum(d.new_revenue), 0) AS new_customer_revenue,
        sum(d.profit) AS profit
    FROM days AS d
    GROUP BY {{ start }}
    {%- endfor %}
),
told AS (
    SELECT
        p.grain,
        p.period_start_date,
        p.previous_start_date,
        p.year_before_start_date,
        p.orders,
        p.customers,
        p.new_customers,
        p.gross_revenue,
        p.returned_revenue,
        p.revenue,
        p.new_customer_revenue,
        CASE WHEN p.orders = 0 AND p.returned_revenue = 0 AND s.has_profit THEN 0 ELSE p.profit END AS profit,
        p.period_start_date >= s.first_date AND p.next_start_date <= {{ day_of(as_of) }} AS is_complete
    FROM periods AS p
    CROSS JOIN span AS s
)
SELECT
    t.grain,
    t.period_start_date,
    t.orders::integer AS orders,
    t.customers::integer AS customers,
    t.new_customers::integer AS new_customers,
    (t.customers - t.new_customers)::integer AS returning_customers,
    t.gross_revenue,
    t.returned_revenue,
    t.revenue,
    t.new_customer_revenue,
    t.profit,
    round(t.gross_revenue / NULLIF(t.orders, 0), 4) AS average_order_value,
    (round(CASE WHEN t.is_complete AND b.is_complete AND b.revenue > 0 THEN t.revenue / b.revenue - 1 END, 6))::float8 AS revenue_change_share,
    (round(CASE WHEN t.is_complete AND y.is_complete AND y.revenue > 0 THEN t.revenue / y.revenue - 1 END, 6))::float8 AS revenue_year_change_share,
    (round(CASE WHEN t.is_complete AND b.is_complete AND b.orders > 0 THEN t.orders / b.orders - 1 END, 6))::float8 AS orders_change_share,
    (round(CASE WHEN t.is_complete AND y.is_complete AND y.orders > 0 THEN t.orders / y.orders - 1 END, 6))::float8 AS orders_year_change_share,
    t.is_complete
FROM told AS t
LEFT JOIN told AS b
    ON b.grain = t.grain
    AND b.period_start_date = t.previous_start_date
LEFT JOIN told AS y
    ON y.grain = t.grain
    AND y.period_start_date = t.year_before_start_date
