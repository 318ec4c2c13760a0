UPDATE quintile.run_models
SET state = $3, parent_relation = $4, row_count = $5, byte_count = $6, elapsed_ms = $7, error = $8, hidden_reads = $9,
    changed_keys = $10,
    finished_at = clock_timestamp()
WHERE run_id = $1 AND model = $2
