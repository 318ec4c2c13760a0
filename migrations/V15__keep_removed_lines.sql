-- What a line that was updated or deleted had brought can only be taken off a sum by who still knows the line. It is kept until
-- every run that is shown has seen that it went.
ALTER TABLE quintile.removed_rows
    ADD COLUMN line jsonb,
    -- The transaction that had written it: what came and went between two runs is in the sums of neither.
    ADD COLUMN line_written_by xid8;

-- Notes the lines that a statement takes away one by one, as only so the transaction is known that had written each. No line at all
-- stands for any: beyond as many lines of one transaction as the argument says, making everything anew is cheaper.
CREATE FUNCTION quintile.note_removed_line() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT bigint := TG_ARGV[0];
    noted CONSTANT bigint := COALESCE(NULLIF(current_setting('quintile.removed_lines', true), '')::bigint, 0);
BEGIN
    IF noted > most THEN
        RETURN NULL;
    END IF;
    -- For this transaction alone, also behind a pooler.
    PERFORM set_config('quintile.removed_lines', (noted + 1)::text, true);
    IF noted = most THEN
        INSERT INTO quintile.removed_rows (schema_name, table_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME);
    ELSE
        INSERT INTO quintile.removed_rows (schema_name, table_name, customer_id, line, line_written_by)
        VALUES (
            TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.customer_id, to_jsonb(OLD),
            (pg_current_xact_id()::text::bigint - age(OLD.xmin))::text::xid8
        );
    END IF;
    RETURN NULL;
END
$$;
