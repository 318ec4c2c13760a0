-- Transactions that see table $2 of the store $1 as a partition though its detach has begun: their snapshots are as old as
-- the transaction that marked it, or older. Every role may see how old the snapshots of others are. No row if the table
-- is no partition any more.
SELECT (
    SELECT count(*)
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND age(a.backend_xmin) >= age(i.xmin)
)
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND i.inhdetachpending
