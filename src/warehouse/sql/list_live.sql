SELECT l.relation, l.run_id, l.materialization, l.access, l.parent_relation, l.view_fingerprint, m.row_count
FROM quintile.live AS l
LEFT JOIN quintile.run_models AS m ON m.run_id = l.run_id AND m.model = l.relation
WHERE l.workspace = $1
ORDER BY l.relation
