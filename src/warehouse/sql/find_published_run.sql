-- A row if run $2 was published in workspace $1; one that moved nothing has published none of its models.
SELECT NOT EXISTS (
    SELECT
    FROM quintile.audit_log AS a
    WHERE a.workspace = r.workspace AND a.action = 'publish'
        AND a.facts ->> 'run_id' = r.run_id::text AND a.facts ->> 'relations' <> '0'
) AS moved_nothing
FROM quintile.runs AS r
WHERE r.workspace = $1 AND r.run_id = $2 AND r.published_at IS NOT NULL
