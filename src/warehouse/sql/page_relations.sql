-- The relations of schema $1 that we may read, each with its columns.
SELECT c.relname::text AS relation, array_agg(a.attname::text) AS columns
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1
    AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
    AND has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'SELECT')
GROUP BY c.relname
