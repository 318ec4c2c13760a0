{{ config(materialized='table', access='private', indexes=[{'columns': ['source'], 'unique': true}], tags=['staging', 'quality']) }}

-- Lines and files of each source, counted by what is odd about them.
WITH counts AS (
    SELECT
        d.source,
        sum(d.line_count)::bigint AS line_count,
        sum(d.without_customer)::bigint AS without_customer,
        sum(d.synthetic_customer)::bigint AS synthetic_customer,
        sum(d.returned)::bigint AS returned,
        sum(d.zero_quantity)::bigint AS zero_quantity,
        sum(d.zero_price)::bigint AS zero_price,
        sum(d.negative_price)::bigint AS negative_price,
        sum(d.discount_out_of_range)::bigint AS discount_out_of_range,
        sum(d.sold_below_cost)::bigint AS sold_below_cost,
        COALESCE(sum(d.line_count) FILTER (WHERE d.order_date > {{ last_day(as_of) }}), 0)::bigint AS lines_of_later_days
    FROM {{ ref('stg_line_days') }} AS d
    GROUP BY d.source
)
SELECT
    n.source,
    n.line_count,
    n.without_customer,
    n.synthetic_customer,
    n.returned,
    n.zero_quantity,
    n.zero_price,
    n.negative_price,
    n.discount_out_of_range,
    n.sold_below_cost,
    n.lines_of_later_days + COALESCE(l.later_lines, 0) AS after_as_of,
    COALESCE(l.rows_read, 0) AS rows_read,
    COALESCE(l.rows_rejected, 0) AS rows_rejected,
    COALESCE(l.rows_unaccounted, 0) AS rows_unaccounted
FROM counts AS n
LEFT JOIN {{ ref('stg_order_loads') }} AS l
    ON l.source = n.source
