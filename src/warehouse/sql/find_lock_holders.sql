-- Who holds a lock on one of the relations $2 of the schemas $1, told as people need it to end the process.
SELECT DISTINCT
    format('%I.%I', n.nspname, c.relname) AS relation,
    CASE
        WHEN l.pid IS NULL THEN 'a prepared transaction'
        ELSE format('process %s (user %s)', l.pid, coalesce(a.usename, 'unknown'))
    END AS holder
FROM unnest($1::text[], $2::text[]) AS wanted (schema_name, relation_name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.schema_name
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.relation_name
JOIN pg_catalog.pg_locks AS l ON l.locktype = 'relation' AND l.relation = c.oid AND l.granted
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY 1, 2
