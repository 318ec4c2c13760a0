-- Where the schedule of each job stands, and what time it is.
SELECT
    job.workspace,
    job.name,
    clock_timestamp() AS database_time,
    (
        SELECT max(slot.scheduled_for)
        FROM quintile.slots AS slot
        WHERE slot.workspace = job.workspace AND slot.job = job.name AND slot.trigger = 'schedule'
    ) AS newest
FROM unnest($1::text[], $2::text[]) AS job (workspace, name)
