-- What every build of a relation in place runs, as functions whose plans the server keeps: planned anew for each of
-- thousands of views, the record of a build would cost the server more than the build. Unlike prepared statements they
-- need no session of their own, so that a pooler in transaction mode may stand between.

-- Hash of names and types of the columns that a view's relations have now.
CREATE OR REPLACE FUNCTION quintile.inputs_hash(view_oid oid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.md5(pg_catalog.string_agg(
            pg_catalog.format('%s.%s.%s %s %s', n.nspname, c.relname, a.attname, a.atttypid, a.atttypmod),
            E'\n' ORDER BY n.nspname, c.relname, a.attnum
        ))
        FROM (
            SELECT DISTINCT d.refobjid
            FROM pg_catalog.pg_rewrite AS r
            JOIN pg_catalog.pg_depend AS d
                ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
            WHERE r.ev_class = view_oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.refobjid <> view_oid
        ) AS inputs
        JOIN pg_catalog.pg_class AS c ON c.oid = inputs.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    );
END
$$;

-- Remembers a relation as it is now; its number, or null where there is none.
CREATE FUNCTION quintile.remember(its_schema text, its_name text, its_definition_hash text) RETURNS oid
LANGUAGE plpgsql AS $$
DECLARE
    remembered oid;
BEGIN
    INSERT INTO quintile.in_place_relations AS i (
        schema_name, relation_name, relation_oid, definition_hash, rule_xmin, inputs_hash
    )
    SELECT
        n.nspname,
        c.relname,
        c.oid,
        its_definition_hash,
        CASE c.relkind WHEN 'v' THEN r.xmin::text END,
        CASE c.relkind WHEN 'v' THEN quintile.inputs_hash(c.oid) END
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
    WHERE n.nspname = its_schema AND c.relname = its_name AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    ON CONFLICT (schema_name, relation_name) DO UPDATE
    SET relation_oid = excluded.relation_oid,
        definition_hash = excluded.definition_hash,
        rule_xmin = excluded.rule_xmin,
        inputs_hash = excluded.inputs_hash,
        recorded_at = clock_timestamp()
    RETURNING i.relation_oid INTO remembered;
    RETURN remembered;
END
$$;
