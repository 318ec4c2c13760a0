-- A slot that nobody runs any more becomes ours, with one more attempt. It must stand as we saw it: attempt $6 under
-- lease $7 and fence $8. Another holder's fence is broken first, so that what he still does late is refused.
WITH leader AS (
    SELECT lease, fence
    FROM quintile.leases
    WHERE lease = $1 AND fence = $2 AND expires_at > clock_timestamp()
    FOR SHARE
),
broken AS (
    UPDATE quintile.leases AS held
    SET fence = held.fence + 1
    FROM leader
    WHERE held.lease = $7 AND held.fence = $8 AND held.expires_at <= clock_timestamp()
    RETURNING held.lease
),
taken AS (
    UPDATE quintile.slots AS slot
    SET lease = leader.lease, fence = leader.fence, attempt = slot.attempt + 1, started_at = clock_timestamp()
    FROM leader
    WHERE slot.workspace = $3 AND slot.job = $4 AND slot.scheduled_for = $5 AND slot.state = 'running'
        AND slot.attempt = $6
        AND slot.lease IS NOT DISTINCT FROM $7::text
        AND slot.fence IS NOT DISTINCT FROM $8::bigint
        AND (
            -- Ours: the answer to its claim was lost.
            (slot.lease = leader.lease AND slot.fence = leader.fence)
            OR EXISTS (SELECT FROM broken)
            OR NOT EXISTS (SELECT FROM quintile.leases AS held WHERE held.lease = $7 AND held.fence = $8)
        )
    RETURNING slot.attempt
)
SELECT (SELECT count(*) FROM leader) AS leaders, (SELECT attempt FROM taken) AS attempt
