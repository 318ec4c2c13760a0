{{ config(materialized='view', access='private', tags=['marts', 'trends']) }}

-- What happened on each day with an order or a return. A customer is counted on the first of his orders in the day, the week and the
-- month, so that the counts of the days of a week or month add up to its customers. Profit is known where profit_orders is above 0.
SELECT
    s.day AS order_date,
    s.orders,
    s.active_day AS day_customers,
    s.active_week AS week_customers,
    s.active_month AS month_customers,
    s.new_customers,
    s.returning_customers,
    s.resurrecting_customers,
    s.new_orders,
    s.gross_revenue,
    s.returned_revenue,
    s.new_revenue,
    s.revenue,
    s.profit,
    s.profit_orders
FROM {{ ref('cohort_sums') }} AS s
WHERE s.part = 'order_day'
