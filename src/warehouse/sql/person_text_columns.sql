-- Tables of the schemas $1 with their columns of text other than the customer's id ($2, $3 as in person_places.sql): where
-- an id may lie under a name that nobody told.
SELECT
    n.nspname AS schema_name,
    c.relname AS relation_name,
    array_agg(a.attname::text ORDER BY a.attnum) AS column_names
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE n.nspname = ANY ($1)
    AND c.relkind = 'r'
    AND t.typcategory = 'S'
    AND a.attname <> 'customer_id'
    AND NOT EXISTS (
        SELECT FROM unnest($2::text[], $3::text[]) AS named (model, column_name)
        WHERE named.column_name = a.attname AND named.model = regexp_replace(c.relname, '__(r[0-9]+|h[0-9a-f]{8})$', '')
    )
GROUP BY n.nspname, c.relname
ORDER BY n.nspname, c.relname
