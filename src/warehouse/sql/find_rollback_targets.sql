-- For each published relation of workspace $1: what it shows, and what it showed in the state of run $2.
SELECT
    l.relation, l.run_id, l.access AS live_access, l.parent_relation AS live_parent,
    l.materialization AS live_materialization, l.definition AS live_definition,
    p.shown_run_id, p.model, p.materialization, p.access, p.parent_relation, p.definition
FROM quintile.live AS l
LEFT JOIN quintile.published_relations AS p
    ON p.workspace = l.workspace AND p.relation = l.relation AND p.run_id = $2
WHERE l.workspace = $1
ORDER BY l.relation
