-- Every table of the schemas $1 that has a column with the customer's id: one named customer_id, or one that a model names
-- (model $2, column $3). Kept runs included; views and parents of partitions show what lies in these tables.
SELECT
    n.nspname AS schema_name,
    c.relname AS relation_name,
    a.attname AS column_name,
    EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS s
        WHERE s.attrelid = c.oid AND s.attname = 'source' AND s.attnum > 0 AND NOT s.attisdropped
    ) AS has_source
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY ($1)
    AND c.relkind = 'r'
    AND (
        a.attname = 'customer_id'
        OR EXISTS (
            SELECT FROM unnest($2::text[], $3::text[]) AS named (model, column_name)
            WHERE named.column_name = a.attname AND named.model = regexp_replace(c.relname, '__(r[0-9]+|h[0-9a-f]{8})$', '')
        )
    )
ORDER BY n.nspname, c.relname, a.attnum
