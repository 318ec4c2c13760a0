-- So that a run which finds a few new orders need not make all customers anew.

-- Customers who lost order lines, by whoever deleted or updated them. Lines that came need no row here: they tell by their
-- xmin which transaction wrote them. No customer at all (null) stands for anybody: the table was emptied, or too many changed.
CREATE TABLE quintile.removed_rows (
    removed_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    customer_id text,
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- With the rights of its owner, as quintile.note_change: who may write the table may not write here.
CREATE FUNCTION quintile.note_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR TG_NARGS = 0 THEN
        INSERT INTO quintile.removed_rows (schema_name, table_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME);
        RETURN NULL;
    END IF;
    INSERT INTO quintile.removed_rows (schema_name, table_name, customer_id)
    SELECT DISTINCT TG_TABLE_SCHEMA, TG_TABLE_NAME, CASE WHEN m.are_many THEN NULL ELSE r.customer_id END
    FROM removed AS r
    CROSS JOIN (SELECT count(*) > TG_ARGV[0]::bigint AS are_many FROM (SELECT FROM removed LIMIT TG_ARGV[0]::bigint + 1) AS l) AS m
    WHERE m.are_many OR r.customer_id <> '';
    RETURN NULL;
END
$$;

-- The transactions whose changes of the sources the run saw; null where nobody noted whose orders go.
ALTER TABLE quintile.runs ADD COLUMN sources_seen pg_snapshot;

-- `recipe` is a hash of how the rows are made, whatever the sources hold and whenever it is. `changed_keys` is how many keys
-- were made anew, the rows of all others being those of the run before; null for models that were made anew as a whole.
ALTER TABLE quintile.run_models
    ADD COLUMN recipe text,
    ADD COLUMN changed_keys bigint;
