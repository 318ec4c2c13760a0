{{ config(materialized='table', indexes=[{'columns': ['source', 'check_name'], 'unique': true}], tags=['marts', 'quality']) }}

-- One row a source and check. Nothing is repaired here: each row says how many lines there are, and what the models do with them.
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
    SELECT count(DISTINCT o.currency) AS currency_count
    FROM {{ ref('customer_orders') }} AS o
)
SELECT
    n.source,
    k.check_name,
    k.failing_lines::bigint AS failing_lines,
    k.line_count::bigint AS line_count,
    (k.failing_lines / NULLIF(k.line_count, 0)::numeric)::float8 AS failing_share,
    CASE WHEN k.failing_lines = 0 THEN 'ok' ELSE k.severity END AS status,
    k.treatment
FROM {{ ref('stg_line_counts') }} AS n
LEFT JOIN only_returns AS u
    ON u.source = n.source
CROSS JOIN currencies AS y
CROSS JOIN LATERAL (
    VALUES
        ('rejected_rows', n.rows_rejected, n.rows_read, 'warn', 'Kept in rejected_rows with the reason; not part of any figure.'),
        ('unaccounted_rows', abs(n.rows_unaccounted), n.rows_read, 'error', 'Rows read are not rows loaded plus rows rejected; load the file again.'),
        ('without_customer', n.without_customer, n.line_count, 'warn', 'Left out: no customer can be credited.'),
        ('synthetic_customer', n.synthetic_customer, n.line_count, 'warn', 'Customer ids are made up because the file has none; every output says so.'),
        ('returned', n.returned, n.line_count, 'info', 'Lowers net revenue; is not an order.'),
        ('returned_without_purchase', COALESCE(u.line_count, 0), n.line_count, 'info', 'Left out: the customer has no purchase in the data.'),
        ('zero_quantity', n.zero_quantity, n.line_count, 'warn', 'Left out: nothing changed hands.'),
        ('zero_price', n.zero_price, n.line_count, 'info', 'Left out as a gift or correction, except in sources named by free_order_sources, where it is an order worth nothing.'),
        ('negative_price', n.negative_price, n.line_count, 'warn', 'Left out: a correction of the books, not a sale.'),
        ('discount_out_of_range', n.discount_out_of_range, n.line_count, 'error', 'Used as it is; a discount must lie between 0 and 1.'),
        ('sold_below_cost', n.sold_below_cost, n.line_count, 'info', 'Used as it is; lowers profit.'),
        ('after_as_of', n.after_as_of, n.line_count, 'info', 'Left out of this run: ordered at or after its as_of.'),
        ('mixed_currencies', CASE WHEN y.currency_count > 1 THEN n.line_count ELSE 0 END, n.line_count, 'error', 'Amounts of several currencies are added without conversion; load them into separate workspaces.')
) AS k (check_name, failing_lines, line_count, severity, treatment)
