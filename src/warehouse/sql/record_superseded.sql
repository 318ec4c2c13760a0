-- Remembers for tables $2 of workspace $1 which transactions of this database are open now; forgets tables that are
-- no garbage any more. Every open transaction holds a lock on its virtual id, and every role may see it. Workers of
-- autovacuum, which have no user, read no views; a process that only begins to be told has begun after us.
WITH forgotten AS (
    DELETE FROM quintile.superseded_tables WHERE workspace = $1 AND table_name <> ALL ($2::text[])
)
INSERT INTO quintile.superseded_tables (workspace, table_name, open_transactions)
SELECT
    $1, wanted.table_name,
    ARRAY(
        SELECT l.virtualxid
        FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
        WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
            AND a.datname = current_database() AND a.usesysid IS NOT NULL
    )
FROM unnest($2::text[]) AS wanted (table_name)
ON CONFLICT (workspace, table_name) DO NOTHING
