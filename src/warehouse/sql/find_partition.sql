SELECT 1
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_class AS parent ON parent.oid = i.inhparent
JOIN pg_catalog.pg_namespace AS n ON n.oid = parent.relnamespace
WHERE n.nspname = $1 AND parent.relname = $2 AND child.relname = $3 AND NOT i.inhdetachpending
