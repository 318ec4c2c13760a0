-- Whether the run was published; waits for a transaction that is just publishing it.
SELECT published_at IS NOT NULL FROM quintile.runs WHERE run_id = $1 FOR UPDATE
