-- Removes rows of history $2 of workspace $1 that are older than it keeps. Numbers of runs grow with time, so that the
-- index finds them: a run that was made for an earlier instant later stays until the runs before it are old.
DELETE FROM {schema}.{history} AS h
USING (
    SELECT min(r.run_id) AS run_id
    FROM quintile.live AS l
    JOIN quintile.runs AS newest ON newest.run_id = l.run_id
    JOIN quintile.runs AS r
        ON r.workspace = l.workspace AND r.as_of >= newest.as_of - make_interval(days => l.keep_days)
    WHERE l.workspace = $1 AND l.model = $2 AND l.materialization = 'history'
) AS oldest
WHERE h.run_id < oldest.run_id
