-- Asks for a run of a job now; no row where the request is known or another one waits.
INSERT INTO quintile.slots (workspace, job, scheduled_for, state, trigger, request_id)
VALUES ($1, $2, clock_timestamp(), 'waiting', 'manual', $3)
ON CONFLICT DO NOTHING
RETURNING scheduled_for
