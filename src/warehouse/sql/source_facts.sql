-- What kind of relation a source is, what its columns are, and whether each statement that changes it leaves a note (all
-- four kinds, 4 + 8 + 16 + 32, by a trigger that is not switched off); nothing if it is not there.
SELECT
    c.relkind::text AS kind,
    has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS may_read,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgtype & 60 = 60 AND t.tgqual IS NULL
            AND t.tgfoid = to_regproc('quintile.note_change')
    ) AS is_noted,
    (
        SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
