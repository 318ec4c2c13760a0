-- A waiting slot becomes ours to run, unless a run of its job is at work.
WITH leader AS (
    SELECT lease, fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
),
claimed AS (
    UPDATE quintile.slots AS slot
    SET state = 'running',
        lease = leader.lease,
        fence = leader.fence,
        attempt = slot.attempt + 1,
        started_at = clock_timestamp(),
        reason = NULL,
        is_queued = false
    FROM leader
    WHERE slot.workspace = $3 AND slot.job = $4 AND slot.scheduled_for = $5 AND slot.state = 'waiting'
        AND NOT EXISTS (
            SELECT FROM quintile.slots AS other
            WHERE other.workspace = $3 AND other.job = $4 AND other.state = 'running'
        )
    RETURNING slot.attempt
)
SELECT (SELECT count(*) FROM leader) AS leaders, (SELECT attempt FROM claimed) AS attempt
