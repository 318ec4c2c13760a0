{{ config(materialized='table', indexes=[{'columns': ['pattern', 'band_number'], 'unique': true}], tags=['trends']) }}

-- How orders are: how large, how dear, how long after the one before, when in the week. Bands without an order have no row.
{%- set lines = order_line_bands() %}
{%- set values = order_value_bands() %}
{%- set gaps = order_gap_bands() %}
WITH patterns AS (
    {%- for pattern, band in [('basket_lines', 'lines_band'), ('basket_units', 'units_band'), ('order_value', 'value_band')] %}
    SELECT
        '{{ pattern }}' AS pattern,
        s.{{ band }} AS band_number,
        sum(s.orders) AS orders,
        sum(s.revenue) AS revenue
    FROM {{ ref('order_sizes') }} AS s
    GROUP BY s.{{ band }}
    UNION ALL
    {%- endfor %}
    SELECT
        'gap_days',
        g.gap_band,
        g.orders,
        g.revenue
    FROM {{ ref('order_gaps') }} AS g
    UNION ALL
    SELECT
        'weekday_hour',
        24 * (h.weekday - 1) + h.hour,
        h.orders,
        h.revenue
    FROM {{ ref('order_hours') }} AS h
    -- Where most orders have no time of day there is nothing to tell.
    WHERE (SELECT 2 * sum(a.midnight_orders) < sum(a.orders) FROM {{ ref('order_hours') }} AS a)
),
edges AS (
    SELECT
        p.pattern,
        p.band_number,
        p.orders,
        p.revenue,
        CASE p.pattern
            WHEN 'order_value' THEN (ARRAY[{{ values | join(', ') }}]::numeric[])[p.band_number]
            WHEN 'gap_days' THEN (ARRAY[{{ gaps | join(', ') }}]::numeric[])[p.band_number]
            WHEN 'weekday_hour' THEN p.band_number
            ELSE (ARRAY[{{ lines | join(', ') }}]::numeric[])[p.band_number]
        END AS lower_bound,
        CASE p.pattern
            WHEN 'order_value' THEN (ARRAY[{{ values | join(', ') }}]::numeric[])[p.band_number + 1]
            WHEN 'gap_days' THEN (ARRAY[{{ gaps | join(', ') }}]::numeric[])[p.band_number + 1]
            WHEN 'weekday_hour' THEN p.band_number + 1
            ELSE (ARRAY[{{ lines | join(', ') }}]::numeric[])[p.band_number + 1]
        END AS upper_bound
    FROM patterns AS p
)
SELECT
    e.pattern,
    e.band_number::integer AS band_number,
    CASE
        WHEN e.pattern = 'weekday_hour' THEN
            (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[e.band_number / 24 + 1]
            || ' ' || to_char(e.band_number % 24, 'FM00') || ':00'
        WHEN e.lower_bound IS NULL THEN 'below ' || e.upper_bound
        WHEN e.upper_bound IS NULL THEN e.lower_bound || ' and more'
        WHEN e.pattern = 'order_value' THEN e.lower_bound || ' to below ' || e.upper_bound
        WHEN e.upper_bound = e.lower_bound + 1 THEN e.lower_bound::text
        ELSE e.lower_bound || ' to ' || (e.upper_bound - 1)
    END AS band,
    e.lower_bound::float8 AS lower_bound,
    e.upper_bound::float8 AS upper_bound,
    e.orders::integer AS orders,
    (e.orders / sum(e.orders) OVER of_pattern)::float8 AS order_share,
    e.revenue,
    round(e.revenue / NULLIF(sum(e.revenue) OVER of_pattern, 0), 6)::float8 AS revenue_share
FROM edges AS e
WINDOW of_pattern AS (PARTITION BY e.pattern)
