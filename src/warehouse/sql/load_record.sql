-- What became of a load.
INSERT INTO {raw}.loads (
    load_id, source, table_name, file_name, checksum, mapping_checksum, file_bytes, header, outcome, error,
    rows_read, rows_loaded, rows_updated, rows_unchanged, rows_duplicate, rows_rejected, rows_erased, rows_removed,
    started_at, finished_at
)
OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, clock_timestamp())
-- A failed load is told once, also when its COMMIT was carried out and only the answer was lost.
ON CONFLICT (load_id) DO NOTHING
