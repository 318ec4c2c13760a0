-- Raises the runs of workspace $1 that failed within a day: of older ones everybody knows. Why is not told: errors quote values.
INSERT INTO quintile.alerts (workspace, run_id, kind)
SELECT r.workspace, r.run_id, 'run_failed'
FROM quintile.runs AS r
WHERE r.workspace = $1 AND r.state = 'failed' AND r.finished_at > clock_timestamp() - INTERVAL '1 day'
ORDER BY r.run_id
ON CONFLICT DO NOTHING
