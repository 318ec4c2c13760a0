-- One row a loaded file: rows read = rows loaded + rows rejected.
CREATE TABLE IF NOT EXISTS {raw}.loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    file_name text NOT NULL,
    checksum text NOT NULL,
    mapping_checksum text NOT NULL,
    rows_read bigint NOT NULL,
    rows_loaded bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (source, file_name)
)
