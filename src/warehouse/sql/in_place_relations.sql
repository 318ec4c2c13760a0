-- Relations of a schema, or the one of a name where the second parameter is given.
SELECT n.nspname::text AS schema, c.relname::text AS identifier, c.relkind::text AS kind
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND ($2::text IS NULL OR c.relname = $2) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY c.relname
