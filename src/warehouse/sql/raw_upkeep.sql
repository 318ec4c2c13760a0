-- Whether the orders of the schema $1 lack their block index, and which of the tables $2 have to be analysed: those that
-- never were, and those that changed by a tenth since; then those whose changes leave no notes. What this or another session did a moment ago may not be counted
-- yet; a table that was never analysed is known by its size.
SELECT
    to_regclass($1 || '.orders') IS NOT NULL AND to_regclass($1 || '.orders_by_load') IS NULL,
    COALESCE(array_agg(c.relname::text ORDER BY c.relname) FILTER (
        WHERE (c.reltuples < 0 AND pg_catalog.pg_relation_size(c.oid) > 0)
            OR pg_catalog.pg_stat_get_mod_since_analyze(c.oid) > 50 + 0.1 * greatest(c.reltuples, 0)
    ), '{}'),
    COALESCE(array_agg(c.relname::text ORDER BY c.relname) FILTER (
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_trigger AS t
            WHERE t.tgrelid = c.oid AND t.tgname = 'quintile_note_change'
        )
            OR c.relname = 'orders' AND NOT EXISTS (
                SELECT
                FROM pg_catalog.pg_trigger AS t
                WHERE t.tgrelid = c.oid AND t.tgname = 'quintile_note_removed_line'
            )
    ), '{}')
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' AND c.relname = ANY ($2)
