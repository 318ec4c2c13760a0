-- Slots that we or an earlier leader under our lease left open, of jobs that are no longer configured, end as skipped;
-- so do requests for such jobs after a day in which no other daemon took them up.
WITH leader AS (
    SELECT lease, fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
)
UPDATE quintile.slots AS slot
SET lease = leader.lease,
    fence = leader.fence,
    state = 'skipped',
    reason = 'job is no longer configured',
    finished_at = clock_timestamp()
FROM leader
WHERE slot.workspace = $3 AND slot.job <> ALL ($4::text[])
    AND (
        (slot.state = 'waiting' AND slot.lease = leader.lease)
        OR (slot.state = 'running' AND slot.lease = leader.lease AND slot.fence < leader.fence)
        OR (slot.state = 'waiting' AND slot.lease IS NULL AND slot.recorded_at < clock_timestamp() - interval '1 day')
    )
