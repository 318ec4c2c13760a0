-- The load of this file into table $4 that stands: the last one that was carried through. Rows that were tried again came after it, and
-- an erasure took some out: then it does not tell any more what is there.
SELECT
    l.load_id, l.checksum, l.mapping_checksum, l.rows_read, l.rows_loaded, l.rows_updated, l.rows_unchanged,
    l.rows_duplicate, l.rows_rejected, l.rows_erased,
    l.outcome = 'loaded' AND NOT EXISTS (
        SELECT
        FROM quintile.tombstones AS t
        WHERE t.workspace = $3 AND coalesce(t.source = l.source, true) AND t.erased_at >= l.finished_at
    ) AS is_whole
FROM {raw}.loads AS l
WHERE l.source = $1
    AND l.file_name = $2
    AND l.table_name = $4
    AND l.outcome IN ('loaded', 'retried')
ORDER BY l.load_id DESC
LIMIT 1
