-- Puts at most $2 alerts of workspace $1 that are in no message yet into one.
WITH due AS (
    SELECT alert_id FROM quintile.alerts
    WHERE workspace = $1 AND state = 'waiting' AND batch_id IS NULL
    ORDER BY alert_id
    LIMIT $2
    FOR UPDATE
)
UPDATE quintile.alerts AS a
SET batch_id = (SELECT min(due.alert_id) FROM due)
FROM due
WHERE a.alert_id = due.alert_id
