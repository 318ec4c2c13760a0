-- Only a running run ends; a published one stays so.
UPDATE quintile.runs
SET state = $2, error = $3, finished_at = clock_timestamp()
WHERE run_id = $1 AND state = 'running'
