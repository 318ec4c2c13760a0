-- The counts of a load.
UPDATE {raw}.loads
SET rows_read = $2, rows_loaded = $3, rows_rejected = $4, loaded_at = clock_timestamp()
WHERE load_id = $1
