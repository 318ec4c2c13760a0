-- Takes up run $1 under a new fence, for the slot ($6, $7) held under lease $8 and fence $9 if it is made for one.
WITH held AS (
    SELECT workspace, job, scheduled_for
    FROM quintile.slots
    WHERE workspace = $5 AND job = $6 AND scheduled_for = $7 AND lease = $8 AND fence = $9 AND state = 'running'
    FOR UPDATE
),
run AS (
    UPDATE quintile.runs
    SET state = 'running', attempt = attempt + 1, lease = $2, fence = $3, process = $4, error = NULL, finished_at = NULL
    WHERE run_id = $1 AND published_at IS NULL AND ($6::text IS NULL OR EXISTS (SELECT FROM held))
    RETURNING run_id, attempt
),
noted AS (
    UPDATE quintile.slots AS slot
    SET run_id = run.run_id
    FROM run, held
    WHERE slot.workspace = held.workspace AND slot.job = held.job AND slot.scheduled_for = held.scheduled_for
)
SELECT attempt FROM run
