-- Whether it can be told whose order lines the table $1.orders lost since the snapshot $2: the triggers that note it are there,
-- nobody emptied it, and the transactions since can be counted.
SELECT
    (
        SELECT count(*) = 3
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = to_regclass(format('%I.orders', $1::text))
            AND t.tgenabled = 'A' AND t.tgfoid = to_regproc('quintile.note_removed')
    )
    AND NOT EXISTS (
        SELECT
        FROM quintile.removed_rows AS r
        WHERE r.schema_name = $1 AND r.table_name = 'orders' AND r.customer_id IS NULL
            AND NOT pg_visible_in_snapshot(r.written_by, $2::text::pg_snapshot)
    )
    AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmin($2::text::pg_snapshot)::text::bigint < 1000000000
    AS are_followed
