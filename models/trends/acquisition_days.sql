{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by='first_order_date', tags=['trends']) }}

-- Customers by the day of their first order, and how many of them came back within 90 days.
-- A customer came back on the first later day with an order: one row at most has the first day as the one before it.
SELECT
    o.first_order_date,
    count(*) FILTER (WHERE NOT o.is_return AND o.previous_date IS NULL) AS customers,
    count(*) FILTER (
        WHERE NOT o.is_return
            AND o.previous_date = o.first_order_date
            AND o.order_date > o.first_order_date
            AND o.order_date <= o.first_order_date + 90
    ) AS repeat_customers,
    count(*) AS row_count
FROM {{ ref('cohort_orders') }} AS o
GROUP BY o.first_order_date
