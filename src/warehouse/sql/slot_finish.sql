-- Ends a running slot; refused when another has taken it over.
UPDATE quintile.slots
SET state = $6, reason = $7, run_id = coalesce($8, run_id), finished_at = clock_timestamp()
WHERE workspace = $1 AND job = $2 AND scheduled_for = $3 AND lease = $4 AND fence = $5 AND state = 'running'
