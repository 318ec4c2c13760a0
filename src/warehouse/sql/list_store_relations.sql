-- Every run's own relation in the store, with its parent if attached, views before tables, newest first.
SELECT c.relname, c.relkind = 'v' AS is_view, p.relname AS parent, coalesce(i.inhdetachpending, false) AS is_detaching
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
WHERE n.nspname = $1 AND c.relkind IN ('r', 'v') AND c.relname ~ '__r[0-9]+$'
ORDER BY is_view DESC, c.oid DESC
