-- One run of workspace $1, with what it published.
SELECT
    r.run_id, r.state, r.trigger, r.as_of, r.started_at, r.finished_at, r.published_at, r.process, r.error,
    (to_jsonb(r) ->> 'attempt')::integer AS attempt,
    coalesce(s.is_live, false) AS is_live,
    s.run_id IS NOT NULL AND NOT s.is_live AS is_rollback_target,
    s.withdrawn_at,
    ARRAY(
        SELECT p.relation
        FROM quintile.published_relations AS p
        WHERE p.workspace = r.workspace AND p.run_id = r.run_id AND p.shown_run_id = r.run_id
        ORDER BY p.relation
    ) AS moved,
    ARRAY(
        SELECT format('%s (run %s)', p.relation, p.shown_run_id)
        FROM quintile.published_relations AS p
        WHERE p.workspace = r.workspace AND p.run_id = r.run_id AND p.shown_run_id <> r.run_id
        ORDER BY p.relation
    ) AS carried
FROM quintile.runs AS r
LEFT JOIN quintile.published_states AS s ON s.workspace = r.workspace AND s.run_id = r.run_id
WHERE r.workspace = $1 AND r.run_id = $2
