-- What the workspace $1 shows: the newest run among its pointers, and how the last ended run went.
SELECT
    clock_timestamp() AS now,
    live.run_id,
    shown.as_of,
    live.published_at,
    live.relations,
    last.run_id AS last_run_id,
    last.state AS last_state,
    last.finished_at AS last_finished_at,
    (
        SELECT array_agg(m.model ORDER BY m.model)
        FROM quintile.run_models AS m
        WHERE m.run_id = last.run_id AND m.state = 'failed'
    ) AS failed_models,
    (
        SELECT array_agg(t.test ORDER BY t.test)
        FROM quintile.run_tests AS t
        WHERE t.run_id = last.run_id AND t.severity = 'error' AND t.state IN ('failed', 'errored')
    ) AS failed_tests
FROM (
    SELECT max(v.run_id) AS run_id, max(v.published_at) AS published_at, count(*) AS relations
    FROM quintile.live AS v
    WHERE v.workspace = $1
) AS live
LEFT JOIN quintile.runs AS shown ON shown.run_id = live.run_id
LEFT JOIN LATERAL (
    SELECT r.run_id, r.state, r.finished_at
    FROM quintile.runs AS r
    WHERE r.workspace = $1 AND r.state <> 'running'
    ORDER BY r.run_id DESC
    LIMIT 1
) AS last ON true
