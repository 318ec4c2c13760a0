-- All relations of the schemas of a run, with what was remembered of them; `is_as_recorded` says that neither the
-- relation nor the columns it reads from changed since.
SELECT
    c.oid AS relation_oid,
    n.nspname::text AS schema,
    c.relname::text AS identifier,
    c.relkind::text AS kind,
    pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
    c.relacl::text[] AS acl,
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
    r.xmin::text AS rule_xmin,
    i.definition_hash,
    COALESCE(
        i.relation_oid = c.oid
        AND i.rule_xmin IS NOT DISTINCT FROM CASE c.relkind WHEN 'v' THEN r.xmin::text END
        AND (c.relkind <> 'v' OR i.inputs_hash IS NOT DISTINCT FROM quintile.inputs_hash(c.oid)),
        false
    ) AS is_as_recorded,
    ARRAY(
        SELECT DISTINCT d.refobjid
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> c.oid
    ) AS inputs
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
LEFT JOIN quintile.in_place_relations AS i ON i.schema_name = n.nspname AND i.relation_name = c.relname
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY n.nspname, c.relname
