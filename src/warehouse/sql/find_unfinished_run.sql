-- The run that can be taken up again: the one named ($4), or else the newest of the same request and instant whose
-- process died ($3 is our fence: nobody works on a run of an older one). A published run is done, and the run of an open
-- slot other than ours ($6, $7) is left to that slot.
SELECT r.run_id, r.as_of, r.state
FROM quintile.runs AS r
WHERE r.workspace = $1
  AND r.published_at IS NULL
  AND coalesce(r.fence, 0) < $3
  AND CASE
      WHEN $4::bigint IS NOT NULL THEN r.run_id = $4 AND r.state IN ('running', 'interrupted', 'failed')
      ELSE r.state = 'running' AND r.request = $2 AND r.as_of = $5
  END
  AND NOT EXISTS (SELECT 1 FROM quintile.live AS l WHERE l.workspace = $1 AND l.run_id > r.run_id)
  AND NOT EXISTS (
      SELECT 1
      FROM quintile.slots AS slot
      WHERE slot.run_id = r.run_id AND slot.state IN ('waiting', 'running')
        AND (slot.workspace, slot.job, slot.scheduled_for) IS DISTINCT FROM ($1, $6::text, $7::timestamptz)
  )
ORDER BY r.run_id DESC
LIMIT 1
