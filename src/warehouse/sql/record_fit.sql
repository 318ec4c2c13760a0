INSERT INTO quintile.fits (run_id, model, facts)
VALUES ($1, $2, $3)
ON CONFLICT (run_id, model) DO UPDATE SET facts = excluded.facts
