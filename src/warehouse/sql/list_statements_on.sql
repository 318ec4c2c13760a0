-- Transactions of others that use one of the relations $1 (quoted names) now.
SELECT DISTINCT l.virtualtransaction
FROM pg_catalog.pg_locks AS l
WHERE l.locktype = 'relation'
  AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
  AND l.relation = ANY (SELECT to_regclass(used.name)::oid FROM unnest($1::text[]) AS used (name))
  AND l.pid <> pg_backend_pid()
