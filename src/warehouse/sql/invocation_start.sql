INSERT INTO quintile.invocations (
    invocation_id, project, target_schema, command, arguments, selected, state, process
)
VALUES ($1, $2, $3, $4, $5, $6, 'running', $7)
