-- The models of run $1 in the order in which they were begun.
SELECT
    m.model, m.materialization, m.state, m.row_count, m.byte_count, m.elapsed_ms, m.error,
    (to_jsonb(m) ->> 'attempt')::integer AS attempt
FROM quintile.run_models AS m
WHERE m.run_id = $1
ORDER BY m.started_at, m.model
