-- For each workspace $1 and its store $2: the longest time that space waits for old readers, and bytes of the store.
SELECT
    w.workspace,
    coalesce((
        SELECT max(EXTRACT(epoch FROM clock_timestamp() - s.superseded_at))
        FROM quintile.superseded_tables AS s
        WHERE s.workspace = w.workspace
    ), 0)::float8 AS waiting_seconds,
    coalesce((
        SELECT sum(pg_catalog.pg_total_relation_size(c.oid))
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = w.store AND c.relkind = 'r'
    ), 0)::float8 AS store_bytes
FROM unnest($1::text[], $2::text[]) AS w (workspace, store)
