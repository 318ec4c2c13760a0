-- Whether it can be told which lines the table $1.orders lost since the snapshot $2: they are noted, nobody emptied the table or took too
-- many, and the transactions since can be counted.
SELECT
    [removals_are_noted]
    AND NOT EXISTS (
        SELECT
        FROM quintile.removed_rows AS r
        WHERE r.schema_name = $1 AND r.table_name = 'orders' AND r.line IS NULL
            AND NOT pg_visible_in_snapshot(r.written_by, $2::text::pg_snapshot)
    )
    AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmin($2::text::pg_snapshot)::text::bigint < 1000000000
    AS are_followed
