-- Slots of a job that are marked as running though nobody runs them become ours, with one more attempt.
-- $5 are those that this process does run.
WITH leader AS (
    SELECT fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
)
UPDATE quintile.slots AS slot
SET fence = leader.fence, attempt = slot.attempt + 1, started_at = clock_timestamp()
FROM leader
WHERE slot.workspace = $3 AND slot.job = $4 AND slot.state = 'running' AND slot.fence <= leader.fence
    AND slot.scheduled_for <> ALL ($5::timestamptz[])
RETURNING slot.scheduled_for, slot.attempt
