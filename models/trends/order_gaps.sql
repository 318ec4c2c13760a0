{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by='gap_band', tags=['trends']) }}

-- Orders by the days since the customer's order before, in the bands of purchase_patterns.
SELECT
    width_bucket((o.order_date - o.previous_date)::float8, ARRAY[{{ order_gap_bands() | join(', ') }}]::float8[]) AS gap_band,
    count(*) AS orders,
    sum(o.revenue) AS revenue,
    count(*) AS row_count
FROM {{ ref('cohort_orders') }} AS o
WHERE NOT o.is_return
    AND o.previous_date IS NOT NULL
GROUP BY 1
