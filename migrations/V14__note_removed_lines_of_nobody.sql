-- Lines without a customer count in some sums: that they went is noted as well, under an empty name.
CREATE OR REPLACE FUNCTION quintile.note_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR TG_NARGS = 0 THEN
        INSERT INTO quintile.removed_rows (schema_name, table_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME);
        RETURN NULL;
    END IF;
    INSERT INTO quintile.removed_rows (schema_name, table_name, customer_id)
    SELECT DISTINCT TG_TABLE_SCHEMA, TG_TABLE_NAME, CASE WHEN m.are_many THEN NULL ELSE COALESCE(r.customer_id, '') END
    FROM removed AS r
    CROSS JOIN (SELECT count(*) > TG_ARGV[0]::bigint AS are_many FROM (SELECT FROM removed LIMIT TG_ARGV[0]::bigint + 1) AS l) AS m;
    RETURN NULL;
END
$$;
