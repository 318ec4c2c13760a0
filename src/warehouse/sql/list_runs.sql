SELECT
    r.run_id, r.state, r.trigger, r.as_of, r.started_at, r.finished_at, r.error,
    (SELECT count(*) FROM quintile.run_models AS m WHERE m.run_id = r.run_id AND m.state = 'built') AS models_built,
    EXISTS (SELECT 1 FROM quintile.live AS l WHERE l.workspace = r.workspace AND l.run_id = r.run_id) AS is_live,
    s.run_id IS NOT NULL AND NOT s.is_live AS is_rollback_target
FROM quintile.runs AS r
LEFT JOIN quintile.published_states AS s ON s.workspace = r.workspace AND s.run_id = r.run_id
WHERE r.workspace = $1
ORDER BY r.run_id DESC
LIMIT $2
