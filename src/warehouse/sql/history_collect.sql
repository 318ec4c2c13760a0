-- Removes rows of history $2 of workspace $1 that no state shows any more. Rows of a run at work come before its pointer.
-- Which runs have rows is asked of the index, one run after the other: most times there is nothing to remove.
WITH RECURSIVE states AS (
    SELECT run_id, left_out FROM quintile.live WHERE workspace = $1 AND model = $2 AND materialization = 'history'
    UNION ALL
    SELECT shown_run_id, left_out FROM quintile.published_relations
    WHERE workspace = $1 AND model = $2 AND materialization = 'history'
),
runs_there AS (
    SELECT min(h.run_id) AS run_id FROM {schema}.{history} AS h
    UNION ALL
    SELECT (SELECT min(h.run_id) FROM {schema}.{history} AS h WHERE h.run_id > t.run_id)
    FROM runs_there AS t
    WHERE t.run_id IS NOT NULL
)
DELETE FROM {schema}.{history} AS h
WHERE h.run_id = ANY (ARRAY(
    SELECT t.run_id
    FROM runs_there AS t
    WHERE (
            t.run_id > (SELECT min(s.run_id) FROM states AS s)
            OR t.run_id = ANY (ARRAY(SELECT DISTINCT unnest(s.left_out) FROM states AS s))
        )
        AND NOT EXISTS (SELECT FROM states AS s WHERE t.run_id <= s.run_id AND t.run_id <> ALL (s.left_out))
        AND NOT EXISTS (SELECT FROM quintile.runs AS r WHERE r.run_id = t.run_id AND r.state = 'running')
))
