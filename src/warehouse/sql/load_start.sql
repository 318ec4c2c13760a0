-- A new load; its counts follow when all rows are there.
INSERT INTO {raw}.loads (source, file_name, checksum, mapping_checksum, rows_read, rows_loaded, rows_rejected)
VALUES ($1, $2, $3, $4, 0, 0, 0)
RETURNING load_id
