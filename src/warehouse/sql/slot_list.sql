-- The newest slots of each of these jobs, at most $3 a job; $4 names a single one.
SELECT
    slot.workspace,
    slot.job,
    slot.scheduled_for,
    slot.state,
    slot.trigger,
    slot.request_id,
    slot.attempt,
    slot.run_id,
    slot.reason,
    slot.started_at,
    slot.finished_at
FROM unnest($1::text[], $2::text[]) AS job (workspace, name)
CROSS JOIN LATERAL (
    SELECT *
    FROM quintile.slots AS known
    WHERE known.workspace = job.workspace AND known.job = job.name
        AND ($4::timestamptz IS NULL OR known.scheduled_for = $4)
    ORDER BY known.scheduled_for DESC
    LIMIT $3
) AS slot
