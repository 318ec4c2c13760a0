{{ config(materialized='table', indexes=[{'columns': ['cohort_month', 'period_n'], 'unique': true}], tags=['marts', 'cohorts']) }}

-- Calendar months; a cohort is everybody whose first order fell in the month. Months without an order
-- have their cell with zeros. A return before the first order counts in period 0, so that
-- the revenue of all cells is the net revenue of all customers.
WITH members AS (
    SELECT
        c.customer_id,
        {{ month_of('c.first_order_date') }} AS cohort_month,
        {{ month_of('c.last_order_date') }} AS last_month
    FROM {{ ref('customers') }} AS c
),
customer_months AS (
    SELECT
        o.customer_id,
        {{ month_of('o.order_date') }} AS activity_month,
        count(*) FILTER (WHERE NOT o.is_return) AS orders,
        sum(o.revenue) AS revenue
    FROM {{ ref('customer_orders') }} AS o
    GROUP BY o.customer_id, {{ month_of('o.order_date') }}
),
activity AS (
    SELECT
        m.cohort_month,
        GREATEST(a.activity_month, m.cohort_month) AS activity_month,
        count(*) FILTER (WHERE a.orders > 0) AS active,
        sum(a.orders) AS orders,
        sum(a.revenue) AS revenue
    FROM customer_months AS a
    INNER JOIN members AS m
        ON m.customer_id = a.customer_id
    GROUP BY m.cohort_month, GREATEST(a.activity_month, m.cohort_month)
),
last_months AS (
    SELECT
        m.cohort_month,
        m.last_month,
        count(*) AS customers
    FROM members AS m
    GROUP BY m.cohort_month, m.last_month
),
cohorts AS (
    SELECT
        l.cohort_month,
        sum(l.customers) AS cohort_size
    FROM last_months AS l
    GROUP BY l.cohort_month
),
grid AS (
    SELECT
        c.cohort_month,
        c.cohort_size,
        n.period_n,
        (c.cohort_month + make_interval(months => n.period_n))::date AS activity_month
    FROM cohorts AS c
    CROSS JOIN LATERAL generate_series(
        0,
        (12 * (date_part('year', {{ last_day(as_of) }}) - date_part('year', c.cohort_month))
            + date_part('month', {{ last_day(as_of) }}) - date_part('month', c.cohort_month))::integer
    ) AS n (period_n)
),
cells AS (
    SELECT
        g.cohort_month,
        g.period_n,
        g.activity_month,
        g.cohort_size,
        COALESCE(a.active, 0) AS active,
        (
            SELECT sum(l.customers)
            FROM last_months AS l
            WHERE l.cohort_month = g.cohort_month
                AND l.last_month >= g.activity_month
        ) AS active_or_later,
        COALESCE(a.orders, 0) AS orders,
        COALESCE(a.revenue, 0) AS revenue,
        sum(COALESCE(a.revenue, 0)) OVER (PARTITION BY g.cohort_month ORDER BY g.period_n) AS revenue_to_date
    FROM grid AS g
    LEFT JOIN activity AS a
        ON a.cohort_month = g.cohort_month
        AND a.activity_month = g.activity_month
)
SELECT
    c.cohort_month,
    c.period_n,
    c.activity_month,
    c.cohort_size::integer AS cohort_size,
    c.active::integer AS active,
    COALESCE(c.active_or_later, 0)::integer AS active_or_later,
    c.orders::integer AS orders,
    c.revenue,
    c.revenue_to_date,
    (c.active / c.cohort_size)::float8 AS active_share,
    (COALESCE(c.active_or_later, 0) / c.cohort_size)::float8 AS active_or_later_share,
    round(c.revenue / c.cohort_size, 4) AS revenue_per_customer,
    round(c.revenue_to_date / c.cohort_size, 4) AS revenue_to_date_per_customer,
    (c.activity_month + INTERVAL '1 month')::date <= {{ last_day(as_of) }} + 1 AS is_complete
FROM cells AS c
