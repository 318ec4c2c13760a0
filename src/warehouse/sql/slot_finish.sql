-- Ends a running slot; refused when a newer leader has taken it over.
UPDATE quintile.slots
SET state = $5, reason = $6, run_id = $7, finished_at = clock_timestamp()
WHERE workspace = $1 AND job = $2 AND scheduled_for = $3 AND fence = $4 AND state = 'running'
