-- Takes up run $1 under a new fence.
UPDATE quintile.runs
SET state = 'running', attempt = attempt + 1, lease = $2, fence = $3, process = $4, error = NULL, finished_at = NULL
WHERE run_id = $1 AND published_at IS NULL
RETURNING attempt
