-- For each workspace: age and duration of the run published last, and whether the last ended run failed.
SELECT
    w.workspace,
    EXTRACT(epoch FROM clock_timestamp() - p.published_at)::float8 AS published_age_seconds,
    EXTRACT(epoch FROM p.finished_at - p.started_at)::float8 AS published_duration_seconds,
    COALESCE(l.state = 'failed', false) AS is_last_run_failed
FROM quintile.workspaces AS w
LEFT JOIN LATERAL (
    SELECT r.published_at, r.started_at, r.finished_at
    FROM quintile.runs AS r
    WHERE r.workspace = w.workspace AND r.state = 'published'
    ORDER BY r.run_id DESC
    LIMIT 1
) AS p ON true
LEFT JOIN LATERAL (
    SELECT r.state
    FROM quintile.runs AS r
    WHERE r.workspace = w.workspace AND r.state <> 'running'
    ORDER BY r.run_id DESC
    LIMIT 1
) AS l ON true
ORDER BY w.workspace
