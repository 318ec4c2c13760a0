INSERT INTO quintile.run_models (run_id, model, materialization, state, store_relation, fingerprint)
VALUES ($1, $2, $3, 'running', $4, $5)
