-- Superseded tables of workspace $1 that a transaction may still read which was open when they were superseded: since
-- how long, and who. A transaction that was prepared reads no more, and holds no virtual id.
SELECT
    s.table_name,
    EXTRACT(epoch FROM clock_timestamp() - s.superseded_at)::float8 AS waiting_seconds,
    array_agg(DISTINCT format('process %s (user %s)', l.pid, coalesce(a.usename, 'unknown'))) AS holders
FROM quintile.superseded_tables AS s
JOIN pg_catalog.pg_locks AS l
    ON l.locktype = 'virtualxid' AND l.granted AND l.virtualxid = ANY (s.open_transactions) AND l.pid <> pg_backend_pid()
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE s.workspace = $1
GROUP BY s.workspace, s.table_name
