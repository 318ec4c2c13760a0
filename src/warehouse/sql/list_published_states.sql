-- What workspace $1 can be rolled back to, newest first, locked against garbage collection.
SELECT run_id, is_live, withdrawn_at IS NOT NULL AS is_withdrawn
FROM quintile.published_states
WHERE workspace = $1
ORDER BY run_id DESC
FOR SHARE
