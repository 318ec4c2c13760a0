-- Every run's own relation in the store, with its parent if attached, views before tables.
-- A detach that was cut off comes first: it blocks every other detach of its parent until it is finalised.
SELECT c.relname, c.relkind = 'v' AS is_view, p.relname AS parent, coalesce(i.inhdetachpending, false) AS is_detaching
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
WHERE n.nspname = $1 AND c.relkind IN ('r', 'v') AND c.relname ~ '__r[0-9]+$'
ORDER BY is_view DESC, is_detaching DESC, c.oid
