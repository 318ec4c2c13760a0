-- Rows that did not fit the mapping, with the reason and their text.
CREATE TABLE IF NOT EXISTS {raw}.rejected_rows (
    source text NOT NULL,
    file_name text NOT NULL,
    line bigint NOT NULL,
    column_name text,
    reason text NOT NULL,
    raw_text text NOT NULL,
    load_id bigint NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
