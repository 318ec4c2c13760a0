-- The rows of an earlier run stay published: run $1 notes for model $2 what run $3 has built.
INSERT INTO quintile.run_models (
    run_id, model, materialization, state, store_relation, parent_relation, row_count, byte_count, elapsed_ms,
    fingerprint, inputs, carried_from, finished_at
)
SELECT
    $1, b.model, b.materialization, 'carried', b.store_relation, b.parent_relation, b.row_count, b.byte_count, 0,
    b.fingerprint, b.inputs, b.run_id, clock_timestamp()
FROM quintile.run_models AS b
WHERE b.run_id = $3 AND b.model = $2
ON CONFLICT (run_id, model) DO NOTHING
