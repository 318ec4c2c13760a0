-- A run gets its number, and the slot that it is made for keeps it, in one statement: whoever takes the slot over finds
-- the run, however soon the process dies. No row if the slot ($8, $9) is not held under lease $10 and fence $11 any more.
WITH held AS (
    SELECT workspace, job, scheduled_for
    FROM quintile.slots
    WHERE workspace = $1 AND job = $8 AND scheduled_for = $9 AND lease = $10 AND fence = $11 AND state = 'running'
    FOR UPDATE
),
run AS (
    INSERT INTO quintile.runs (workspace, state, trigger, as_of, lease, fence, process, request)
    SELECT $1::text, 'running', $2::text, $3::timestamptz, $4::text, $5::bigint, $6::text, $7::text
    WHERE $8::text IS NULL OR EXISTS (SELECT FROM held)
    RETURNING run_id
),
noted AS (
    UPDATE quintile.slots AS slot
    SET run_id = run.run_id
    FROM run, held
    WHERE slot.workspace = held.workspace AND slot.job = held.job AND slot.scheduled_for = held.scheduled_for
)
SELECT run_id FROM run
