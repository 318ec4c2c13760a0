SELECT
    i.invocation_id, i.command, i.arguments, i.selected, i.state, i.started_at,
    coalesce(r.unique_ids, '{}') AS unique_ids,
    coalesce(r.statuses, '{}') AS statuses
FROM quintile.invocations AS i
LEFT JOIN LATERAL (
    SELECT array_agg(unique_id ORDER BY unique_id) AS unique_ids, array_agg(status ORDER BY unique_id) AS statuses
    FROM quintile.invocation_results
    WHERE invocation_id = i.invocation_id
) AS r ON TRUE
WHERE i.project = $1 AND i.target_schema = $2
ORDER BY i.started_at DESC
LIMIT 1
