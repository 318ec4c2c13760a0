UPDATE quintile.runs
SET state = 'published', published_at = now(), finished_at = clock_timestamp()
WHERE run_id = $1 AND state = 'running'
