INSERT INTO quintile.run_models (run_id, model, materialization, state, fingerprint, error, finished_at)
VALUES ($1, $2, $3, 'skipped', $4, $5, clock_timestamp())
