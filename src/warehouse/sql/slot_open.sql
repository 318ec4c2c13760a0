-- The slots of these jobs that have not ended, oldest first; `is_held` tells whether their holder is alive.
SELECT
    slot.workspace,
    slot.job,
    slot.scheduled_for,
    slot.state,
    slot.trigger,
    slot.is_queued,
    slot.attempt,
    slot.lease,
    slot.fence,
    slot.run_id,
    EXISTS (
        SELECT FROM quintile.leases AS held
        WHERE held.lease = slot.lease AND held.fence = slot.fence AND held.expires_at > clock_timestamp()
    ) AS is_held
FROM unnest($1::text[], $2::text[]) AS job (workspace, name)
JOIN quintile.slots AS slot ON slot.workspace = job.workspace AND slot.job = job.name
WHERE slot.state IN ('waiting', 'running')
ORDER BY slot.scheduled_for
