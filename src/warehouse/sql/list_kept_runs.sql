-- Runs whose data stays: all that a pointer names, the newest $2 published, the newest failed, all that run now.
SELECT run_id FROM quintile.live WHERE workspace = $1
UNION
(SELECT run_id FROM quintile.runs WHERE workspace = $1 AND published_at IS NOT NULL ORDER BY run_id DESC LIMIT $2)
UNION
(SELECT run_id FROM quintile.runs WHERE workspace = $1 AND state IN ('failed', 'built') ORDER BY run_id DESC LIMIT 1)
UNION
SELECT run_id FROM quintile.runs WHERE workspace = $1 AND state = 'running'
