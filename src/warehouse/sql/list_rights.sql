-- What our role needs of the schemas of a workspace: $1 raw, $2 store, $3 marts; nothing for a schema not yet made.
SELECT needed.object, needed.right_name,
    CASE
        WHEN needed.is_table THEN has_table_privilege(needed.object, needed.right_name)
        ELSE has_schema_privilege(needed.object, needed.right_name)
    END AS is_granted
FROM (
    VALUES
        ($1::text, 'USAGE', false),
        ($2::text, 'USAGE', false), ($2::text, 'CREATE', false),
        ($3::text, 'USAGE', false), ($3::text, 'CREATE', false),
        ('quintile', 'USAGE', false),
        ('quintile.runs', 'INSERT', true), ('quintile.runs', 'UPDATE', true),
        ('quintile.live', 'INSERT', true), ('quintile.live', 'UPDATE', true),
        ('quintile.leases', 'INSERT', true), ('quintile.leases', 'UPDATE', true)
) AS needed (object, right_name, is_table)
WHERE needed.is_table OR to_regnamespace(quote_ident(needed.object)) IS NOT NULL
ORDER BY needed.is_table, needed.object, needed.right_name
