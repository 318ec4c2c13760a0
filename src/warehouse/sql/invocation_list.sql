SELECT
    i.invocation_id, i.command, i.target_schema, i.state, i.started_at, i.finished_at, i.error,
    cardinality(i.selected) AS selected,
    -- Hooks of the project are no nodes; a failed one is worth a number all the same.
    count(r.unique_id) FILTER (
        WHERE r.status IN ('success', 'pass', 'warn', 'no-op') AND r.unique_id NOT LIKE 'operation.%'
    ) AS good,
    count(r.unique_id) FILTER (WHERE r.status NOT IN ('success', 'pass', 'warn', 'no-op', 'skipped')) AS failed,
    count(r.unique_id) FILTER (WHERE r.status = 'skipped') AS skipped
FROM quintile.invocations AS i
LEFT JOIN quintile.invocation_results AS r ON r.invocation_id = i.invocation_id
WHERE i.project = $1
GROUP BY i.invocation_id
ORDER BY i.started_at DESC
LIMIT $2
