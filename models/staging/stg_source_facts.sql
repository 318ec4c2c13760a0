{{ config(materialized='table', access='private', indexes=[{'columns': ['source'], 'unique': true}], tags=['staging', 'quality']) }}

-- What each source is as a whole: size, time, customers, orders, and how its newest load compares with those before.
WITH lines AS (
    SELECT
        o.source,
        count(*) AS line_count,
        min(o.ordered_at) AS first_ordered_at,
        max(o.ordered_at) AS last_ordered_at,
        -- Orders dated after as_of are no sign that the source is fresh.
        max(o.ordered_at) FILTER (WHERE o.ordered_at < {{ as_of }}) AS last_seen_at,
        count(DISTINCT hashtextextended(o.customer_id, 0)) FILTER (WHERE o.customer_id <> '') AS customer_count,
        count(*) - count(DISTINCT hash_record_extended(
            ROW(o.order_id, o.customer_id, o.ordered_at, o.product_id, o.quantity, o.unit_price, o.discount), 0
        )) AS repeated_lines
    FROM {{ raw_rows('orders') }} AS o
    GROUP BY o.source
),
orders AS (
    SELECT
        h.source,
        count(*) AS order_count,
        count(*) FILTER (WHERE h.line_count = 1) AS one_line_orders,
        count(*) FILTER (WHERE h.first_customer <> h.last_customer) AS orders_of_several_customers,
        count(*) FILTER (WHERE h.is_synthetic) AS synthetic_orders,
        count(DISTINCT h.first_customer) FILTER (WHERE h.is_synthetic) AS synthetic_customers
    FROM (
        -- Numbers compare faster than texts, and equal hashes are equal ids but for one chance in billions.
        SELECT
            o.source,
            count(*) AS line_count,
            min(hashtextextended(o.customer_id, 0)) AS first_customer,
            max(hashtextextended(o.customer_id, 0)) AS last_customer,
            bool_or(o.id_is_synthetic) AS is_synthetic
        FROM {{ raw_rows('orders') }} AS o
        GROUP BY o.source, o.order_id
    ) AS h
    GROUP BY h.source
),
ranked AS (
    SELECT
        l.source,
        l.rows_read,
        row_number() OVER (PARTITION BY l.source ORDER BY l.load_id DESC) AS age
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.table_name = 'orders'
        AND l.outcome = 'loaded'
),
medians AS (
    SELECT
        r.source,
        count(*) AS earlier_loads,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.rows_read) AS usual_rows
    FROM ranked AS r
    WHERE r.age > 1
    GROUP BY r.source
),
-- Median and median deviation, because one wrong load among those before must not hide the next. Loads that never
-- differed would make any difference infinite: a twentieth of their size counts as usual.
volumes AS (
    SELECT
        n.source,
        n.rows_read AS newest_rows,
        m.earlier_loads,
        m.usual_rows,
        greatest(1.4826 * d.deviation, 0.05 * m.usual_rows, 1) AS spread
    FROM ranked AS n
    JOIN medians AS m
        ON m.source = n.source
    CROSS JOIN LATERAL (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(e.rows_read - m.usual_rows)) AS deviation
        FROM ranked AS e
        WHERE e.source = n.source
            AND e.age > 1
    ) AS d
    WHERE n.age = 1
)
SELECT
    n.source,
    n.line_count,
    o.order_count,
    n.customer_count,
    n.first_ordered_at,
    n.last_ordered_at,
    CASE WHEN n.last_seen_at IS NOT NULL THEN GREATEST(0, {{ last_day(as_of) }} - {{ day_of('n.last_seen_at') }}) END AS freshness_days,
    n.repeated_lines,
    o.one_line_orders,
    o.orders_of_several_customers,
    o.synthetic_orders,
    o.synthetic_customers,
    v.newest_rows,
    COALESCE(v.earlier_loads, 0) AS earlier_loads,
    v.usual_rows,
    CASE WHEN v.earlier_loads >= 5 THEN (v.newest_rows - v.usual_rows) / v.spread END AS volume_z
FROM lines AS n
JOIN orders AS o
    ON o.source = n.source
LEFT JOIN volumes AS v
    ON v.source = n.source
