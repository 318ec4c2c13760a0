-- Whether the table $1.orders has lost no row since the snapshot $2.
SELECT NOT EXISTS (
    SELECT
    FROM quintile.removed_rows AS r
    WHERE r.schema_name = $1
        AND r.table_name = 'orders'
        AND NOT pg_visible_in_snapshot(r.written_by, $2::text::pg_snapshot)
) AS nothing_was_removed
