-- What stays in the store of workspace $1: the rows that are shown or can be shown again (model and run), and whole runs
-- (model is null): those at work, the newest that failed or was not published, and one cut off since the last publish.
-- The rows of a history lie in a table of all runs; what a run brought to it is not needed after its publish.
SELECT l.model, l.run_id FROM quintile.live AS l WHERE l.workspace = $1 AND l.materialization <> 'history'
UNION
SELECT p.model, p.shown_run_id FROM quintile.published_relations AS p
WHERE p.workspace = $1 AND p.materialization <> 'history'
UNION
SELECT NULL, r.run_id FROM quintile.runs AS r WHERE r.workspace = $1 AND r.state = 'running'
UNION
(
    SELECT NULL, r.run_id
    FROM quintile.runs AS r
    WHERE r.workspace = $1 AND r.state IN ('failed', 'built')
    ORDER BY r.run_id DESC
    LIMIT 1
)
UNION
SELECT NULL, r.run_id
FROM quintile.runs AS r
WHERE r.workspace = $1 AND r.state = 'interrupted'
    AND r.run_id > coalesce(
        (SELECT max(p.run_id) FROM quintile.runs AS p WHERE p.workspace = $1 AND p.published_at IS NOT NULL), 0
    )
