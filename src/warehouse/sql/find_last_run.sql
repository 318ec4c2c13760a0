SELECT run_id, state, request
FROM quintile.runs
WHERE workspace = $1
ORDER BY run_id DESC
LIMIT 1
