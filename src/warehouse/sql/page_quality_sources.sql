-- The sources of orders, the largest first.
SELECT
    s.source, s.line_count, s.order_count, s.customer_count, s.first_order_date, s.last_order_date, s.freshness_days,
    s.without_customer_share, s.synthetic_customer_share, s.rows_read, s.rows_rejected, s.rejected_share, s.newest_rows,
    s.usual_rows
FROM {marts}.data_quality_sources AS s
ORDER BY s.line_count DESC, s.source
