-- The load of this file that stands: the last one that was carried through.
SELECT load_id, checksum, mapping_checksum, rows_read, rows_loaded, rows_updated, rows_unchanged, rows_duplicate, rows_rejected, rows_erased
FROM {raw}.loads
WHERE source = $1
    AND file_name = $2
    AND outcome IN ('loaded', 'retried')
ORDER BY load_id DESC
LIMIT 1
