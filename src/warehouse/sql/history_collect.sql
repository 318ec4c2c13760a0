-- Removes rows of history $2 of workspace $1 that no state shows any more. Rows of a run at work come before its pointer.
WITH states AS (
    SELECT run_id, left_out FROM quintile.live WHERE workspace = $1 AND model = $2 AND materialization = 'history'
    UNION ALL
    SELECT shown_run_id, left_out FROM quintile.published_relations
    WHERE workspace = $1 AND model = $2 AND materialization = 'history'
)
DELETE FROM {schema}.{history} AS h
WHERE (
        h.run_id > (SELECT min(s.run_id) FROM states AS s)
        OR h.run_id = ANY (ARRAY(SELECT DISTINCT unnest(s.left_out) FROM states AS s))
    )
    AND NOT EXISTS (SELECT FROM states AS s WHERE h.run_id <= s.run_id AND h.run_id <> ALL (s.left_out))
    AND NOT EXISTS (SELECT FROM quintile.runs AS r WHERE r.run_id = h.run_id AND r.state = 'running')
