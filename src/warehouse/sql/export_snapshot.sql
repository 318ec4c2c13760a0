-- A name for the snapshot of this transaction, and which transactions it sees; of those that were under way, the ones of other databases
-- ($1) are left out, for they write nothing here, and what is written beside a transaction under way is doubtful later.
SELECT
    pg_export_snapshot(),
    format(
        '%s:%s:%s',
        COALESCE(min(r.xid), pg_snapshot_xmax(pg_current_snapshot())),
        pg_snapshot_xmax(pg_current_snapshot()),
        string_agg(r.xid::text, ',' ORDER BY r.xid)
    ) AS seen
FROM pg_snapshot_xip(pg_current_snapshot()) AS r (xid)
WHERE r.xid::xid::text <> ALL ($1::text[])
