-- For each published relation: the newest published run up to $2 that has rows of it.
SELECT l.relation, l.run_id, l.access, l.materialization, m.run_id AS target_run_id, m.parent_relation
FROM quintile.live AS l
LEFT JOIN LATERAL (
    SELECT rm.run_id, rm.parent_relation
    FROM quintile.run_models AS rm
    JOIN quintile.runs AS r ON r.run_id = rm.run_id
    WHERE rm.model = l.relation
      AND r.workspace = l.workspace
      AND r.published_at IS NOT NULL
      AND rm.state = 'built'
      AND rm.run_id <= $2
    ORDER BY rm.run_id DESC
    LIMIT 1
) AS m ON true
WHERE l.workspace = $1
ORDER BY l.relation
