-- Which run's rows each model showed when the histories of workspace $1 were last built.
SELECT l.model AS history, m.model, COALESCE(m.carried_from, m.run_id) AS run_id
FROM quintile.live AS l
JOIN quintile.run_models AS m ON m.run_id = l.run_id AND m.state IN ('built', 'carried')
WHERE l.workspace = $1 AND l.materialization = 'history'
