-- Everything that catalog.json tells of the relations of some schemas, one row a column.
SELECT
    pg_catalog.current_database()::text AS database,
    n.nspname::text AS schema,
    c.relname::text AS identifier,
    CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'BASE TABLE' END AS relation_type,
    pg_catalog.obj_description(c.oid, 'pg_class') AS relation_comment,
    pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
    a.attname::text AS column_name,
    a.attnum::int AS column_index,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS column_type,
    pg_catalog.col_description(c.oid, a.attnum) AS column_comment
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence IN ('p', 'u')
ORDER BY n.nspname, c.relname, a.attnum
