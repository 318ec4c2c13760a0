INSERT INTO quintile.run_tests (run_id, test, model, severity, state, failure_count, elapsed_ms, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
