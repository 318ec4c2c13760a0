-- Waiting slots of a job end as skipped.
WITH leader AS (
    SELECT fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
),
ended AS (
    UPDATE quintile.slots AS slot
    SET state = 'skipped', reason = $6, is_queued = false, finished_at = clock_timestamp()
    FROM leader
    WHERE slot.workspace = $3 AND slot.job = $4 AND slot.scheduled_for = ANY ($5::timestamptz[])
        AND slot.state = 'waiting'
    RETURNING slot.scheduled_for
)
SELECT (SELECT count(*) FROM leader) AS leaders, (SELECT count(*) FROM ended) AS recorded
