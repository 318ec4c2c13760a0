-- The message of workspace $1 that is due first.
SELECT a.alert_id, a.batch_id, a.run_id, a.kind, a.customer_id, a.raised_at, a.tries, r.as_of
FROM quintile.alerts AS a
JOIN quintile.runs AS r ON r.run_id = a.run_id
WHERE a.workspace = $1 AND a.state = 'waiting'
    AND a.batch_id = (
        SELECT d.batch_id FROM quintile.alerts AS d
        WHERE d.workspace = $1 AND d.state = 'waiting' AND d.batch_id IS NOT NULL AND d.next_try_at <= clock_timestamp()
        ORDER BY d.next_try_at, d.batch_id
        LIMIT 1
    )
ORDER BY a.alert_id
