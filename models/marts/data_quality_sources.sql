{{ config(materialized='table', indexes=[{'columns': ['source'], 'unique': true}], tags=['marts', 'quality']) }}

-- One row a source: how much there is, from when to when, and how much of it was refused.
SELECT
    f.source,
    f.line_count,
    f.order_count,
    f.customer_count,
    {{ day_of('f.first_ordered_at') }} AS first_order_date,
    {{ day_of('f.last_ordered_at') }} AS last_order_date,
    f.freshness_days,
    (f.line_count / f.order_count::numeric)::float8 AS lines_per_order,
    (f.one_line_orders / f.order_count::numeric)::float8 AS one_line_order_share,
    (n.without_customer / n.line_count::numeric)::float8 AS without_customer_share,
    (n.synthetic_customer / n.line_count::numeric)::float8 AS synthetic_customer_share,
    n.rows_read::bigint AS rows_read,
    n.rows_rejected::bigint AS rows_rejected,
    (n.rows_rejected / NULLIF(n.rows_read, 0)::numeric)::float8 AS rejected_share,
    f.newest_rows,
    f.usual_rows,
    f.earlier_loads,
    f.volume_z
FROM {{ ref('stg_source_facts') }} AS f
JOIN {{ ref('stg_line_counts') }} AS n
    ON n.source = f.source
