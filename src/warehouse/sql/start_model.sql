-- A model that is built again in a run that was taken up, or after a fault that passed, counts one attempt more.
INSERT INTO quintile.run_models AS m (run_id, model, materialization, state, store_relation, fingerprint, inputs, recipe)
VALUES ($1, $2, $3, 'running', $4, $5, $6, $7)
ON CONFLICT (run_id, model) DO UPDATE
SET state = 'running', materialization = excluded.materialization, store_relation = excluded.store_relation,
    fingerprint = excluded.fingerprint, inputs = excluded.inputs, recipe = excluded.recipe, attempt = m.attempt + 1, carried_from = NULL,
    parent_relation = NULL, row_count = NULL, byte_count = NULL, elapsed_ms = NULL, error = NULL, hidden_reads = '{}', changed_keys = NULL,
    started_at = clock_timestamp(), finished_at = NULL
