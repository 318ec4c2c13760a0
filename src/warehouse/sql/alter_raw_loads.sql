-- Columns that came later. Before, a file had one row, which a new load replaced.
ALTER TABLE {raw}.loads
    DROP CONSTRAINT IF EXISTS loads_source_file_name_key,
    ADD COLUMN IF NOT EXISTS table_name text NOT NULL DEFAULT 'orders',
    ADD COLUMN IF NOT EXISTS outcome text NOT NULL DEFAULT 'loaded'
        CHECK (outcome IN ('loaded', 'unchanged', 'retried', 'failed')),
    ADD COLUMN IF NOT EXISTS header text[],
    ADD COLUMN IF NOT EXISTS file_bytes bigint,
    ADD COLUMN IF NOT EXISTS rows_updated bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_unchanged bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_duplicate bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_erased bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS rows_removed bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS error text,
    ADD COLUMN IF NOT EXISTS started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN IF NOT EXISTS finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    DROP COLUMN IF EXISTS loaded_at
