-- Lines as a run of the snapshot [seen] saw them, that were updated or went since. One that came and went in between was never seen.
CREATE UNLOGGED TABLE {schema}.{removed} AS
SELECT o.*, true AS was_there, r.line_written_by >= pg_snapshot_xmin([seen]::pg_snapshot) AS is_doubtful
FROM quintile.removed_rows AS r
CROSS JOIN LATERAL jsonb_populate_record(NULL::{raw}.orders, r.line) AS o
WHERE r.schema_name = [raw_name]
    AND r.table_name = 'orders'
    AND NOT pg_visible_in_snapshot(r.written_by, [seen]::pg_snapshot)
    AND pg_visible_in_snapshot(r.line_written_by, [seen]::pg_snapshot)
