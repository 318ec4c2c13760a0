INSERT INTO quintile.runs (workspace, state, trigger, as_of, lease, fence, process, request)
VALUES ($1, 'running', $2, $3, $4, $5, $6, $7)
RETURNING run_id
