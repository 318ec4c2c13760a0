-- Transactions under way in other databases, which write nothing here.
SELECT COALESCE(array_agg(l.transactionid::text), '{}')
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_catalog.pg_database AS d ON d.oid = a.datid
WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND d.datname <> current_database()
