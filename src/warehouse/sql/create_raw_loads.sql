-- One row a load, never changed later: rows read = loaded (new and updated) + unchanged + rejected + erased.
CREATE TABLE IF NOT EXISTS {raw}.loads (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    file_name text NOT NULL,
    checksum text NOT NULL,
    mapping_checksum text NOT NULL,
    rows_read bigint NOT NULL,
    rows_loaded bigint NOT NULL,
    rows_rejected bigint NOT NULL
)
