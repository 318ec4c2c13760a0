{{ config(materialized='view', access='private', tags=['trends']) }}

-- Customers by the day of their first order, and how many of them came back within 90 days.
SELECT
    s.day AS first_order_date,
    s.new_customers AS customers,
    s.repeat_customers
FROM {{ ref('cohort_sums') }} AS s
WHERE s.part = 'first_day'
