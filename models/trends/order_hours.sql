{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['weekday', 'hour'], indexes=[{'columns': ['weekday', 'hour'], 'unique': true}], tags=['trends']) }}

-- Orders by weekday and hour of the day, in the time zone of the variable timezone; at most 168 rows.
SELECT
    extract(isodow FROM o.order_date)::smallint AS weekday,
    extract(hour FROM o.ordered_at AT TIME ZONE '{{ var('timezone', 'UTC') }}')::smallint AS hour,
    count(*) AS orders,
    -- Where files hold days and no times, all orders lie at midnight.
    count(*) FILTER (WHERE o.ordered_at AT TIME ZONE '{{ var('timezone', 'UTC') }}' = o.order_date) AS midnight_orders,
    sum(o.revenue) AS revenue,
    count(*) AS row_count
FROM {{ ref('customer_orders') }} AS o
WHERE NOT o.is_return
GROUP BY 1, 2
