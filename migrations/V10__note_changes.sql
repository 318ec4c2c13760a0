-- So that a run which finds nothing new need not read the sources to know it.

-- One row a statement that changed a raw table, and those that were added up to one. A transaction sees the notes of
-- exactly those statements whose rows it sees: their number and sum are the version of the table.
CREATE TABLE quintile.change_notes (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    note_count bigint NOT NULL DEFAULT 1,
    -- Sum of the numbers of the notes that were added up to this one; null for a note of its own.
    note_sum numeric
);
CREATE INDEX change_notes_by_table ON quintile.change_notes (schema_name, table_name);

-- Whoever may write the table may not write the notes; so the function runs with the rights of its owner. A statement
-- that met no row leaves no note: a load of nothing new must not make models anew. The server's count may hold rows of
-- the session's last second too: a note too many at times, never one too few.
CREATE FUNCTION quintile.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    row_count bigint := CASE TG_OP
        WHEN 'INSERT' THEN pg_stat_get_xact_tuples_inserted(TG_RELID)
        WHEN 'UPDATE' THEN pg_stat_get_xact_tuples_updated(TG_RELID)
        WHEN 'DELETE' THEN pg_stat_get_xact_tuples_deleted(TG_RELID)
        ELSE 1
    END;
BEGIN
    IF row_count > 0 OR NOT current_setting('track_counts')::boolean THEN
        INSERT INTO quintile.change_notes (schema_name, table_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END
$$;

-- The newest order of a workspace, as it was when raw.orders had this version.
CREATE TABLE quintile.newest_orders (
    workspace text PRIMARY KEY,
    version text NOT NULL,
    ordered_at timestamptz NOT NULL
);
