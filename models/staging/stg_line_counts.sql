{{ config(materialized='table', access='private', indexes=[{'columns': ['source'], 'unique': true}], tags=['staging', 'quality']) }}

-- A table, so that all that is known of the raw lines is read at one moment, before the models that are set beside it.
WITH counts AS (
    SELECT
        o.source,
        count(*) AS line_count,
        count(*) FILTER (WHERE o.customer_id IS NULL OR o.customer_id = '') AS without_customer,
        count(*) FILTER (WHERE o.id_is_synthetic) AS synthetic_customer,
        count(*) FILTER (WHERE o.quantity < 0) AS returned,
        count(*) FILTER (WHERE o.quantity = 0) AS zero_quantity,
        count(*) FILTER (WHERE o.unit_price = 0) AS zero_price,
        count(*) FILTER (WHERE o.unit_price < 0) AS negative_price,
        count(*) FILTER (WHERE o.discount < 0 OR o.discount > 1) AS discount_out_of_range,
        count(*) FILTER (WHERE o.unit_cost IS NOT NULL AND o.unit_cost > o.unit_price * (1 - o.discount)) AS sold_below_cost,
        count(*) FILTER (WHERE o.ordered_at >= {{ as_of }}) AS after_as_of
    FROM {{ raw_rows('orders') }} AS o
    GROUP BY o.source
),
standing AS (
    -- Every load is recorded; what is there came with the last one of each file that was carried through.
    SELECT DISTINCT ON (l.source, l.file_name)
        l.source,
        l.rows_read,
        l.rows_read - l.rows_loaded - l.rows_unchanged - l.rows_rejected - l.rows_erased AS rows_unaccounted
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.outcome IN ('loaded', 'unchanged')
        AND l.table_name = 'orders'
    ORDER BY l.source, l.file_name, l.load_id DESC
),
loads AS (
    SELECT
        s.source,
        sum(s.rows_read) AS rows_read,
        sum(s.rows_unaccounted) AS rows_unaccounted
    FROM standing AS s
    GROUP BY s.source
),
rejected AS (
    SELECT
        r.source,
        sum(r.row_count)::bigint AS rows_rejected
    FROM (
    {{ rejects() }}
    ) AS r
    WHERE r.table_name = 'orders'
    GROUP BY r.source
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
    n.after_as_of,
    COALESCE(l.rows_read, 0) AS rows_read,
    COALESCE(r.rows_rejected, 0) AS rows_rejected,
    COALESCE(l.rows_unaccounted, 0) AS rows_unaccounted
FROM counts AS n
LEFT JOIN loads AS l
    ON l.source = n.source
LEFT JOIN rejected AS r
    ON r.source = n.source
