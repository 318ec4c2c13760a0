-- Columns of tables ($2, in schema $1) that a unique index proves to hold no value twice. In a run's table, which its
-- check keeps to one run, an index over the column and run_id says as much as one over the column alone.
SELECT t.relname::text AS table_name, a.attname::text AS column_name
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
WHERE n.nspname = $1
    AND t.relname = ANY ($2)
    AND t.relkind = 'r'
    AND i.indisunique
    AND i.indisvalid
    AND i.indimmediate
    AND i.indpred IS NULL
    AND i.indexprs IS NULL
    AND i.indcollation[0] = a.attcollation
    AND (
        i.indnkeyatts = 1
        OR (i.indnkeyatts = 2 AND EXISTS (
            SELECT
            FROM pg_catalog.pg_attribute AS r
            JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.attrelid AND k.conkey = ARRAY[r.attnum]
            WHERE r.attrelid = t.oid
                AND r.attname = 'run_id'
                AND r.attnum = i.indkey[1]
                AND k.contype = 'c'
                AND k.convalidated
                AND k.conname = t.relname || '_run'
        ))
    )
