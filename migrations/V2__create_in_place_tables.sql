-- What Quintile remembers of relations that it builds in place, in the schemas of dbt projects.

-- One row a relation. Nothing is built again while the definition, the relation itself and what it reads from are
-- those of the last build.
CREATE TABLE quintile.in_place_relations (
    schema_name text NOT NULL,
    relation_name text NOT NULL,
    relation_oid oid NOT NULL,
    definition_hash text NOT NULL,
    -- Transaction that wrote the view's rule; null for tables. Whoever replaces the view changes it.
    rule_xmin text,
    -- Hash of the columns of all relations that the view reads from: `SELECT *` means others when they change.
    inputs_hash text,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (schema_name, relation_name)
);

-- One row a batch of a microbatch model.
CREATE TABLE quintile.batches (
    workspace text NOT NULL,
    relation text NOT NULL,
    batch_start timestamptz NOT NULL,
    batch_end timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('built', 'failed')),
    run text NOT NULL,
    row_count bigint,
    fingerprint text NOT NULL,
    -- The run's instant: a batch that was built before its window ended is not complete.
    as_of timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace, relation, batch_start)
);

-- Hash of names and types of the columns that a view's relations have now.
CREATE FUNCTION quintile.inputs_hash(view_oid oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.md5(pg_catalog.string_agg(
        pg_catalog.format('%s.%s.%s %s %s', n.nspname, c.relname, a.attname, a.atttypid, a.atttypmod),
        E'\n' ORDER BY n.nspname, c.relname, a.attnum
    ))
    FROM (
        SELECT DISTINCT d.refobjid
        FROM pg_catalog.pg_rewrite AS r
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
        WHERE r.ev_class = view_oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.refobjid <> view_oid
    ) AS inputs
    JOIN pg_catalog.pg_class AS c ON c.oid = inputs.refobjid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
$$;
