-- The published run before the one that readers see.
SELECT max(r.run_id)
FROM quintile.runs AS r
WHERE r.workspace = $1
  AND r.published_at IS NOT NULL
  AND r.run_id < (SELECT max(l.run_id) FROM quintile.live AS l WHERE l.workspace = $1)
