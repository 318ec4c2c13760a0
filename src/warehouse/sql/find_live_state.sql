-- Whether the state of run $2 is the live one of workspace $1; waits for a transaction that is changing it.
SELECT is_live FROM quintile.published_states WHERE workspace = $1 AND run_id = $2 FOR UPDATE
