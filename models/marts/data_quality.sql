{{ config(materialized='table', indexes=[{'columns': ['source', 'check_name'], 'unique': true}], tags=['marts', 'quality']) }}

-- One row a source and check. Nothing is repaired here: each row says how many lines there are, what that means, and what
-- the models do with them. Checks of the tables beside the orders come last.
WITH only_returns AS (
    SELECT
        r.source,
        sum(r.line_count) AS line_count
    FROM {{ ref('customer_orders') }} AS r
    WHERE r.is_return
        AND NOT EXISTS (SELECT 1 FROM {{ ref('customers') }} AS c WHERE c.customer_id = r.customer_id)
    GROUP BY r.source
),
currencies AS (
    SELECT count(n.currency) AS currency_count
    FROM (
        SELECT o.currency
        FROM {{ ref('customer_orders') }} AS o
        GROUP BY o.currency
    ) AS n
),
checks AS (
    SELECT
        n.source,
        k.check_name,
        k.failing_lines::bigint AS failing_lines,
        k.line_count::bigint AS line_count,
        k.severity,
        k.treatment,
        k.finding
    FROM {{ ref('stg_line_counts') }} AS n
    JOIN {{ ref('stg_source_facts') }} AS f
        ON f.source = n.source
    LEFT JOIN only_returns AS u
        ON u.source = n.source
    CROSS JOIN currencies AS y
    CROSS JOIN LATERAL (
        VALUES
            ('rejected_rows', n.rows_rejected, n.rows_read, 'warn', 'Kept in rejected_rows with the reason; not part of any figure.', NULL),
            ('unaccounted_rows', abs(n.rows_unaccounted), n.rows_read, 'error', 'Rows read are not rows loaded plus rows rejected; load the file again.', NULL),
            ('without_customer', n.without_customer, n.line_count, 'warn', 'Left out: no customer can be credited.', NULL),
            (
                'synthetic_customer', n.synthetic_customer, n.line_count, 'warn',
                'Customer ids are made up because the file has none; every output says so.',
                {{ in_count('f.synthetic_customers', 'made-up id') }} || ' for ' || {{ in_count('f.synthetic_orders', 'order') }}
                || ': each gathers ' || {{ in_times('f.synthetic_orders / NULLIF(f.synthetic_customers, 0)::numeric', 'order') }}
                || ' of people who need not know each other. Repeat purchases, churn and lifetime values of this source say nothing about loyalty.'
            ),
            ('returned', n.returned, n.line_count, 'info', 'Lowers net revenue; is not an order.', NULL),
            ('returned_without_purchase', COALESCE(u.line_count, 0), n.line_count, 'info', 'Left out: the customer has no purchase in the data.', NULL),
            ('zero_quantity', n.zero_quantity, n.line_count, 'warn', 'Left out: nothing changed hands.', NULL),
            ('zero_price', n.zero_price, n.line_count, 'info', 'Left out as a gift or correction, except in sources named by free_order_sources, where it is an order worth nothing.', NULL),
            ('negative_price', n.negative_price, n.line_count, 'warn', 'Left out: a correction of the books, not a sale.', NULL),
            ('discount_out_of_range', n.discount_out_of_range, n.line_count, 'error', 'Used as it is; a discount must lie between 0 and 1.', NULL),
            ('sold_below_cost', n.sold_below_cost, n.line_count, 'info', 'Used as it is; lowers profit.', NULL),
            ('after_as_of', n.after_as_of, n.line_count, 'info', 'Left out of this run: ordered at or after its as_of.', NULL),
            ('mixed_currencies', CASE WHEN y.currency_count > 1 THEN n.line_count ELSE 0 END, n.line_count, 'error', 'Amounts of several currencies are added without conversion; load them into separate workspaces.', NULL),
            ('repeated_lines', f.repeated_lines, n.line_count, 'info', 'Used as they are: an order may name a product twice; many of them mean a file that was loaded under two names.', NULL),
            ('several_customers', f.orders_of_several_customers, f.order_count, 'warn', 'Each customer is credited with an order of their own; counts orders, not lines.', NULL),
            (
                'single_line_orders', f.one_line_orders, f.order_count, 'info', 'Used as they are; counts orders, not lines.',
                CASE WHEN f.one_line_orders = f.order_count AND f.order_count > 1
                    THEN 'Every order has a single line: the source may count lines as orders, which makes frequency a count of lines.' END
            ),
            (
                'stale', CASE WHEN f.freshness_days > {{ var('data_quality_stale_days', 2) }} THEN n.line_count ELSE 0 END, n.line_count, 'warn',
                'Used as they are: customers of this source look as if they had stopped to buy.',
                'The latest order is ' || {{ in_count('f.freshness_days', 'day') }} || ' older than the last day of the run.'
            ),
            (
                'volume', CASE WHEN abs(f.volume_z) > 3.5 THEN greatest(f.newest_rows, 1) ELSE 0 END, greatest(f.newest_rows, 1), 'warn',
                'Used as it is: the newest load is far from the size of those before.',
                CASE
                    WHEN f.volume_z IS NULL
                        THEN 'Too few loads to tell: ' || f.earlier_loads || ' before the newest, 5 are needed.'
                    ELSE 'The newest load has ' || {{ in_count('f.newest_rows', 'row') }} || ', those before usually '
                        || {{ in_words('f.usual_rows') }} || ': ' || to_char(abs(f.volume_z), 'FM999,990.0')
                        || ' robust deviations ' || CASE WHEN f.volume_z < 0 THEN 'fewer.' ELSE 'more.' END
                END
            )
    ) AS k (check_name, failing_lines, line_count, severity, treatment, finding)
    UNION ALL
    SELECT
        t.source,
        t.check_name,
        t.failing_rows,
        t.row_count,
        t.severity,
        t.treatment,
        NULL
    FROM {{ ref('stg_table_checks') }} AS t
)
SELECT
    c.source,
    c.check_name,
    c.failing_lines,
    COALESCE(c.line_count, 0) AS line_count,
    (c.failing_lines / NULLIF(c.line_count, 0)::numeric)::float8 AS failing_share,
    CASE WHEN c.failing_lines = 0 THEN 'ok' ELSE c.severity END AS status,
    c.treatment,
    -- What a check measures is told also where nothing is wrong; a made-up id only where there is one.
    CASE
        WHEN c.check_name IN ('stale', 'volume') THEN c.finding
        WHEN c.failing_lines > 0 THEN COALESCE(c.finding, {{ in_words('c.failing_lines') }} || ' of ' || {{ in_words('c.line_count') }}
            || ' (' || {{ in_percent('c.failing_lines / NULLIF(c.line_count, 0)::numeric') }} || ').')
    END AS finding,
    c.check_name = ANY ({{ blocking_checks() }}) AS is_blocking
FROM checks AS c
