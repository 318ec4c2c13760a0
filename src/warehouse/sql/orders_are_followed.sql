-- Whether it can be told which lines the table $1.orders lost since the snapshot $2: the triggers that note them are there, nobody
-- emptied it or took too many, and the transactions since can be counted.
SELECT
    (
        SELECT count(*) = 2
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = to_regclass(format('%I.orders', $1::text))
            AND t.tgenabled = 'A'
            AND (t.tgname, t.tgfoid) IN (
                ('quintile_note_removed_by_truncate', to_regproc('quintile.note_removed')),
                ('quintile_note_removed_line', to_regproc('quintile.note_removed_line'))
            )
    )
    AND NOT EXISTS (
        SELECT
        FROM quintile.removed_rows AS r
        WHERE r.schema_name = $1 AND r.table_name = 'orders' AND r.line IS NULL
            AND NOT pg_visible_in_snapshot(r.written_by, $2::text::pg_snapshot)
    )
    AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmin($2::text::pg_snapshot)::text::bigint < 1000000000
    AS are_followed
