UPDATE quintile.alerts
SET state = 'delivered', tries = tries + 1, last_error = NULL, delivered_at = clock_timestamp()
WHERE workspace = $1 AND batch_id = $2 AND state = 'waiting'
