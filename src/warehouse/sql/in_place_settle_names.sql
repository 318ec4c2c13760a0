-- Statements that take the mark $3 out of the names of constraints and indexes of a relation, where the plain name is
-- free. A constraint's index is renamed with it.
WITH relation AS (
    SELECT c.oid, n.oid AS schema_oid, n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1::text AND c.relname = $2::text
),
names AS (
    SELECT r.*, k.conname AS name, pg_catalog.replace(k.conname, $3::text, '') AS plain, true AS is_constraint
    FROM relation AS r JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid
    UNION ALL
    SELECT r.*, i.relname, pg_catalog.replace(i.relname, $3, ''), false
    FROM relation AS r
    JOIN pg_catalog.pg_index AS x ON x.indrelid = r.oid
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.oid AND k.conrelid = r.oid)
)
SELECT CASE
    WHEN is_constraint THEN
        pg_catalog.format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', nspname, relname, name, plain)
    ELSE pg_catalog.format('ALTER INDEX %I.%I RENAME TO %I', nspname, name, plain)
END
FROM names
WHERE name <> plain
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS other WHERE other.relnamespace = names.schema_oid AND other.relname = plain
    )
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS other WHERE other.conrelid = names.oid AND other.conname = plain
    )
ORDER BY is_constraint DESC, name
