INSERT INTO quintile.run_models (run_id, model, materialization, state, fingerprint, error, finished_at)
VALUES ($1, $2, $3, 'skipped', $4, $5, clock_timestamp())
ON CONFLICT (run_id, model) DO UPDATE SET state = 'skipped', error = excluded.error, finished_at = excluded.finished_at
