-- The relations that workspace $1 publishes, with the run behind each and the columns that we may read; public ones lie in schema $2, private ones in $3.
SELECT
    l.relation,
    l.run_id,
    r.as_of,
    s.schema,
    (
        SELECT array_agg(a.attname::text)
        FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = s.schema
            AND c.relname = l.relation
            AND has_schema_privilege(n.oid, 'USAGE')
            AND has_table_privilege(c.oid, 'SELECT')
    ) AS columns
FROM quintile.live AS l
CROSS JOIN LATERAL (SELECT CASE l.access WHEN 'public' THEN $2::text ELSE $3::text END AS schema) AS s
LEFT JOIN quintile.runs AS r ON r.run_id = l.run_id
WHERE l.workspace = $1
