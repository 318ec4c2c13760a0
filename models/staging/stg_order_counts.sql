{{ config(materialized='table', access='private', refresh='sums', refresh_key='order_id', group_by='source', tags=['staging', 'quality']) }}

-- Orders of each source, counted by what is odd about them. Numbers compare faster than texts, and equal hashes are equal ids but for
-- one chance in billions; lines of one order that are equal but for their number come together first.
WITH alike AS (
    SELECT
        o.source,
        hashtextextended(o.order_id, 0) AS order_hash,
        hash_record_extended(
            ROW(o.order_id, o.customer_id, o.ordered_at, o.product_id, o.quantity, o.unit_price, o.discount), 0
        ) AS line_hash,
        count(*) AS line_count,
        min(hashtextextended(o.customer_id, 0)) AS first_customer,
        max(hashtextextended(o.customer_id, 0)) AS last_customer,
        bool_or(o.id_is_synthetic) AS is_synthetic
    FROM {{ ref('stg_lines') }} AS o
    GROUP BY 1, 2, 3
),
orders AS (
    SELECT
        a.source,
        sum(a.line_count) AS line_count,
        count(*) AS unlike_lines,
        min(a.first_customer) AS first_customer,
        max(a.last_customer) AS last_customer,
        bool_or(a.is_synthetic) AS is_synthetic
    FROM alike AS a
    GROUP BY a.source, a.order_hash
)
SELECT
    o.source,
    count(*) AS order_count,
    count(*) FILTER (WHERE o.line_count = 1) AS one_line_orders,
    count(*) FILTER (WHERE o.first_customer <> o.last_customer) AS orders_of_several_customers,
    count(*) FILTER (WHERE o.is_synthetic) AS synthetic_orders,
    sum(o.line_count - o.unlike_lines)::bigint AS repeated_lines,
    count(*) AS row_count
FROM orders AS o
GROUP BY o.source
