INSERT INTO quintile.run_tests (run_id, test, model, severity, state, failure_count, elapsed_ms, error, fingerprint)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (run_id, test) DO UPDATE
SET severity = excluded.severity, state = excluded.state, failure_count = excluded.failure_count,
    elapsed_ms = excluded.elapsed_ms, error = excluded.error, fingerprint = excluded.fingerprint
