{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by='order_date', indexes=[{'columns': ['order_date'], 'unique': true}], tags=['marts', 'trends']) }}

-- What happened on each day with an order or a return. A customer is counted on the first of his orders in the day, the week and the
-- month, so that the counts of the days of a week or month add up to its customers. Profit is known where profit_orders is above 0.
SELECT
    o.order_date,
    count(*) FILTER (WHERE NOT o.is_return) AS orders,
    count(*) FILTER (WHERE NOT o.is_return AND o.previous_date IS DISTINCT FROM o.order_date) AS day_customers,
    count(*) FILTER (WHERE o.is_first_in_week) AS week_customers,
    count(*) FILTER (WHERE o.is_first_in_month) AS month_customers,
    count(*) FILTER (WHERE NOT o.is_return AND o.previous_date IS NULL) AS new_customers,
    count(*) FILTER (WHERE o.is_first_in_month AND o.since_month = 1) AS returning_customers,
    count(*) FILTER (WHERE o.is_first_in_month AND o.since_month > 1) AS resurrecting_customers,
    count(*) FILTER (WHERE NOT o.is_return AND o.order_date = o.first_order_date) AS new_orders,
    COALESCE(sum(o.revenue) FILTER (WHERE NOT o.is_return), 0.0000) AS gross_revenue,
    COALESCE(sum(-o.revenue) FILTER (WHERE o.is_return), 0.0000) AS returned_revenue,
    COALESCE(sum(o.revenue) FILTER (WHERE NOT o.is_return AND o.order_date = o.first_order_date), 0.0000) AS new_revenue,
    sum(o.revenue) AS revenue,
    COALESCE(sum(o.profit), 0.0000) AS profit,
    count(o.profit) AS profit_orders,
    count(*) AS row_count
FROM {{ ref('cohort_orders') }} AS o
GROUP BY o.order_date
