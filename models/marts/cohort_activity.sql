{{ config(materialized='view', access='private', tags=['marts', 'cohorts']) }}

-- What the customers of a cohort did in each of their periods. A quarter is the sum of its months: an order that is its customer's first
-- in the quarter is counted in one month only. A customer has one value in each dimension, so the values add up to all. Profit is known
-- where profit_orders is above 0.
SELECT
    s.part AS grain,
    s.dimension,
    s.dimension_value,
    s.cohort_number,
    s.calendar_n,
    s.anniversary_n,
    s.orders,
    s.last_orders,
    {%- for kind in cohort_kinds() %}
    s.active_{{ kind }},
    {%- endfor %}
    s.revenue,
    s.profit,
    s.profit_orders
FROM {{ ref('cohort_sums') }} AS s
WHERE s.part IN ('week', 'month')
