-- Transactions that see table $2 of the store $1 as a partition though its detach has begun: their snapshots are as old as
-- the transaction that marked it, or older. Every role may see how old the snapshots of others are.
SELECT count(*)
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_class AS c ON c.relname = $2
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid AND i.inhdetachpending
WHERE a.datname = current_database()
    AND a.pid <> pg_backend_pid()
    AND age(a.backend_xmin) >= age(i.xmin)
