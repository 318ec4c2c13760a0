{{ config(materialized='table', access='private', indexes=[{'columns': ['source'], 'unique': true}], tags=['staging', 'quality']) }}

-- What each source is as a whole: size, time, customers, orders, and how its newest load compares with those before.
WITH lines AS (
    SELECT
        d.source,
        sum(d.line_count)::bigint AS line_count,
        min(d.ordered_at_min) AS first_ordered_at,
        max(d.ordered_at_max) AS last_ordered_at,
        -- Orders dated after as_of are no sign that the source is fresh.
        max(d.order_date) FILTER (WHERE d.ordered_at_min < {{ as_of }}) AS last_seen_date
    FROM {{ ref('stg_line_days') }} AS d
    GROUP BY d.source
),
customers AS (
    SELECT
        v.source,
        count(*) AS customer_count,
        count(*) FILTER (WHERE v.row_count > v.known_lines) AS synthetic_customers
    FROM {{ ref('stg_line_values') }} AS v
    WHERE v.column_name = 'customer_id'
        AND v.value_hash <> hashtextextended('', 0)
    GROUP BY v.source
)
SELECT
    n.source,
    n.line_count,
    o.order_count,
    COALESCE(c.customer_count, 0) AS customer_count,
    n.first_ordered_at,
    n.last_ordered_at,
    CASE WHEN n.last_seen_date IS NOT NULL THEN GREATEST(0, {{ last_day(as_of) }} - n.last_seen_date) END AS freshness_days,
    o.repeated_lines,
    o.one_line_orders,
    o.orders_of_several_customers,
    o.synthetic_orders,
    COALESCE(c.synthetic_customers, 0) AS synthetic_customers,
    l.newest_rows,
    COALESCE(l.earlier_loads, 0) AS earlier_loads,
    l.usual_rows,
    l.volume_z
FROM lines AS n
JOIN {{ ref('stg_order_counts') }} AS o
    ON o.source = n.source
LEFT JOIN customers AS c
    ON c.source = n.source
LEFT JOIN {{ ref('stg_order_loads') }} AS l
    ON l.source = n.source
