-- Remembers the run of a slot as soon as it has a number: whoever takes the slot over goes on with that run.
UPDATE quintile.slots
SET run_id = $6
WHERE workspace = $1 AND job = $2 AND scheduled_for = $3 AND lease = $4 AND fence = $5 AND state = 'running'
