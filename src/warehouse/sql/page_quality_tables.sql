-- The raw tables beside the orders, as they hang together.
SELECT
    t.source, t.table_name, t.row_count, t.last_date, t.freshness_days, t.rows_read, t.rows_rejected, t.rejected_share,
    t.ids_without_order, t.id_count
FROM {marts}.data_quality_tables AS t
ORDER BY t.source, array_position(ARRAY['customers', 'products', 'campaigns', 'campaign_members'], t.table_name)
