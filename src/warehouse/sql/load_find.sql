-- The load of this file that is there, if any.
SELECT load_id, checksum, mapping_checksum, rows_read, rows_loaded, rows_rejected
FROM {raw}.loads
WHERE source = $1 AND file_name = $2
