-- Partitioned parents of the store $1 whose statistics are missing or of quite another size: a second or third run that is kept
-- changes what a parent holds by nothing that plans hang on. Joins and groups over a pointer
-- view are planned with the parent's statistics, and autovacuum never analyses a parent.
SELECT
    p.relname,
    -- What is a key of every run.
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_index AS x
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.oid AND a.attnum = x.indkey[0]
        WHERE x.indrelid = p.oid AND x.indisunique AND x.indnkeyatts = 2
    ) AS keys
FROM pg_catalog.pg_class AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.relnamespace
JOIN LATERAL (
    SELECT sum(greatest(c.reltuples, 0)) AS row_count
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = p.oid
) AS now ON now.row_count > 0
WHERE n.nspname = $1 AND p.relkind = 'p'
    AND (p.reltuples < 0 OR now.row_count NOT BETWEEN p.reltuples * 0.3 AND p.reltuples * 3.5)
ORDER BY p.relname
