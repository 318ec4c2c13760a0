SELECT
    r.run_id, r.state, r.trigger, r.as_of, r.started_at, r.finished_at, r.error,
    (SELECT count(*) FROM quintile.run_models AS m WHERE m.run_id = r.run_id AND m.state = 'built') AS models_built,
    EXISTS (SELECT 1 FROM quintile.live AS l WHERE l.run_id = r.run_id) AS is_live
FROM quintile.runs AS r
WHERE r.workspace = $1
ORDER BY r.run_id DESC
LIMIT $2
