-- The newest slot of a job; its schedule goes on from there.
SELECT max(scheduled_for) AS scheduled_for
FROM quintile.slots
WHERE workspace = $1 AND job = $2
