-- Columns as information_schema.columns tells them, and those of materialized views, which it leaves out.
SELECT
    a.attname::text AS name,
    CASE
        WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, NULL)
        WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
        WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, NULL)
        ELSE 'USER-DEFINED'
    END AS data_type,
    information_schema._pg_char_max_length(
        information_schema._pg_truetypid(a, t), information_schema._pg_truetypmod(a, t)
    )::int AS char_size,
    information_schema._pg_numeric_precision(
        information_schema._pg_truetypid(a, t), information_schema._pg_truetypmod(a, t)
    )::int AS numeric_precision,
    information_schema._pg_numeric_scale(
        information_schema._pg_truetypid(a, t), information_schema._pg_truetypmod(a, t)
    )::int AS numeric_scale
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
