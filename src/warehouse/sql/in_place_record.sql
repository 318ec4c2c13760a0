-- Remembers a relation as it is now, within the transaction that made it so.
INSERT INTO quintile.in_place_relations AS i (
    schema_name, relation_name, relation_oid, definition_hash, rule_xmin, inputs_hash
)
SELECT
    n.nspname,
    c.relname,
    c.oid,
    $3::text,
    CASE c.relkind WHEN 'v' THEN r.xmin::text END,
    CASE c.relkind WHEN 'v' THEN quintile.inputs_hash(c.oid) END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ON CONFLICT (schema_name, relation_name) DO UPDATE
SET relation_oid = excluded.relation_oid,
    definition_hash = excluded.definition_hash,
    rule_xmin = excluded.rule_xmin,
    inputs_hash = excluded.inputs_hash,
    recorded_at = clock_timestamp()
RETURNING i.relation_oid
