-- Claims slots of a job, or records them as skipped, once and only under a valid fence.
-- The share lock keeps the lease from changing hands between the look and the insert.
WITH leader AS (
    SELECT fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
),
recorded AS (
    INSERT INTO quintile.slots (workspace, job, scheduled_for, state, fence, reason, finished_at)
    SELECT $3, $4, due.scheduled_for, $6, leader.fence, $7, CASE WHEN $6 = 'running' THEN NULL ELSE clock_timestamp() END
    FROM leader
    CROSS JOIN unnest($5::timestamptz[]) AS due (scheduled_for)
    ON CONFLICT (workspace, job, scheduled_for) DO NOTHING
    RETURNING scheduled_for
)
SELECT (SELECT count(*) FROM leader) AS leaders, (SELECT count(*) FROM recorded) AS recorded
