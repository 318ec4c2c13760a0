{{ config(materialized='view', access='private', tags=['analytics']) }}

-- Repeat purchases of each day, counted back from the last day: customers who bought and had bought on an earlier day. By them it is seen
-- whether the fit behind customer_ltv still holds.
SELECT
    ({{ last_day(as_of) }} - d.order_date)::integer AS days_ago,
    (d.day_customers - d.new_customers)::float8 AS repeat_purchases
FROM {{ ref('order_days') }} AS d
WHERE d.order_date <= {{ last_day(as_of) }}
