-- Slots that an earlier leader left running, of jobs that are no longer configured, end as skipped.
WITH leader AS (
    SELECT fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
)
UPDATE quintile.slots AS slot
SET fence = leader.fence, state = 'skipped', reason = 'job is no longer configured', finished_at = clock_timestamp()
FROM leader
WHERE slot.workspace = $3 AND slot.job <> ALL ($4::text[]) AND slot.state = 'running' AND slot.fence < leader.fence
