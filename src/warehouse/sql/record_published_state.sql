-- Keeps what every relation of workspace $1 shows after the publish of run $2, carried pointers included.
WITH state AS (
    INSERT INTO quintile.published_states (workspace, run_id, published_at, is_live)
    VALUES ($1, $2, now(), true)
    RETURNING workspace, run_id
)
INSERT INTO quintile.published_relations (
    workspace, run_id, relation, model, shown_run_id, materialization, access, parent_relation, definition,
    left_out
)
SELECT
    s.workspace, s.run_id, l.relation, l.model, l.run_id, l.materialization, l.access, l.parent_relation, l.definition,
    l.left_out
FROM quintile.live AS l
JOIN state AS s ON s.workspace = l.workspace
