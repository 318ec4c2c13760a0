-- Records due times of a job as waiting or skipped, each once and only under a valid fence.
-- The share lock keeps the lease from changing hands between the look and the insert.
WITH leader AS (
    SELECT lease, fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
),
recorded AS (
    INSERT INTO quintile.slots (workspace, job, scheduled_for, state, trigger, lease, fence, is_queued, reason, finished_at)
    SELECT
        $3,
        $4,
        due.scheduled_for,
        $6,
        $9,
        leader.lease,
        leader.fence,
        $8,
        $7,
        CASE WHEN $6 = 'skipped' THEN clock_timestamp() END
    FROM leader
    CROSS JOIN unnest($5::timestamptz[]) AS due (scheduled_for)
    ON CONFLICT DO NOTHING
    RETURNING scheduled_for
)
SELECT (SELECT count(*) FROM leader) AS leaders, (SELECT count(*) FROM recorded) AS recorded
