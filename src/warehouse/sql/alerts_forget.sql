-- Ended alerts of workspace $1 that are older than $2 days.
DELETE FROM quintile.alerts
WHERE workspace = $1 AND state <> 'waiting' AND raised_at < clock_timestamp() - make_interval(days => $2)
