{{ config(materialized='table', indexes=[{'columns': ['grain', 'basis', 'dimension', 'dimension_value', 'period_n'], 'unique': true}], tags=['marts', 'cohorts']) }}

-- The foot of the cohort table. Cohorts count by their size, and only with periods that are over: cells of running periods hold fewer
-- orders than they will, and would bend each curve down at its end.
WITH sums AS (
    SELECT
        c.grain,
        c.basis,
        c.dimension,
        c.dimension_value,
        c.period_n,
        count(*) AS cohorts,
        sum(c.cohort_size) AS customers,
        sum(c.active) AS active,
        sum(c.active_or_later) AS active_or_later,
        sum(c.orders) AS orders,
        sum(c.revenue) AS revenue,
        sum(c.revenue_to_date) AS revenue_to_date,
        -- Cohorts whose profit is not known are left out of the means of profit on both sides.
        sum(c.profit) AS profit,
        sum(c.cohort_size) FILTER (WHERE c.profit IS NOT NULL) AS profit_customers,
        sum(c.profit_to_date) AS profit_to_date,
        sum(c.cohort_size) FILTER (WHERE c.profit_to_date IS NOT NULL) AS profit_to_date_customers
    FROM {{ ref('cohort_cells') }} AS c
    WHERE c.is_complete
    GROUP BY c.grain, c.basis, c.dimension, c.dimension_value, c.period_n
)
SELECT
    s.grain,
    s.basis,
    s.dimension,
    s.dimension_value,
    s.period_n,
    s.cohorts::integer AS cohorts,
    s.customers::integer AS customers,
    (s.active / s.customers::numeric)::float8 AS active_share,
    (s.active_or_later / s.customers::numeric)::float8 AS active_or_later_share,
    (s.orders / s.customers::numeric)::float8 AS orders_per_customer,
    round(s.revenue / s.customers, 4) AS revenue_per_customer,
    round(s.profit / s.profit_customers, 4) AS profit_per_customer,
    round(s.revenue_to_date / s.customers, 4) AS revenue_to_date_per_customer,
    round(s.profit_to_date / s.profit_to_date_customers, 4) AS profit_to_date_per_customer
FROM sums AS s
