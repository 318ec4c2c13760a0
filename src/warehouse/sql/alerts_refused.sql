-- Message $2 of workspace $1 was not taken, because of $3: again in $4 seconds, but no more than $5 times in all.
UPDATE quintile.alerts
SET state = CASE WHEN tries + 1 >= $5::integer THEN 'failed' ELSE 'waiting' END,
    tries = tries + 1,
    last_error = $3,
    next_try_at = clock_timestamp() + make_interval(secs => $4)
WHERE workspace = $1 AND batch_id = $2 AND state = 'waiting'
