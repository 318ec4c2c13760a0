{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['lines_band', 'units_band', 'value_band'], tags=['trends']) }}

-- Orders by the bands of purchase_patterns: lines, units, value. A few hundred rows.
SELECT
    width_bucket(o.line_count::float8, ARRAY[{{ order_line_bands() | join(', ') }}]::float8[]) AS lines_band,
    width_bucket(o.unit_count::float8, ARRAY[{{ order_line_bands() | join(', ') }}]::float8[]) AS units_band,
    width_bucket(o.revenue::float8, ARRAY[{{ order_value_bands() | join(', ') }}]::float8[]) AS value_band,
    count(*) AS orders,
    sum(o.revenue) AS revenue,
    count(*) AS row_count
FROM {{ ref('customer_orders') }} AS o
WHERE NOT o.is_return
GROUP BY 1, 2, 3
