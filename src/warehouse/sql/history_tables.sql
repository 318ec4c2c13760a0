-- Tables in the store $1 that hold rows of history $2: one a shape, the newest first.
SELECT c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r'
    AND starts_with(c.relname, $2 || '__h')
    AND substring(c.relname FROM length($2) + 4) ~ '^[0-9a-f]{8}$'
ORDER BY c.oid::bigint DESC
