-- Removed rows that every run which is shown, or can be shown again, has seen.
DELETE FROM quintile.removed_rows AS r
WHERE r.schema_name = $2
    AND r.written_by < (
        SELECT min(pg_snapshot_xmin(n.sources_seen))
        FROM quintile.runs AS n
        WHERE n.workspace = $1
            AND (
                n.state = 'running'
                OR n.run_id IN (SELECT l.run_id FROM quintile.live AS l WHERE l.workspace = $1)
                OR n.run_id IN (SELECT p.shown_run_id FROM quintile.published_relations AS p WHERE p.workspace = $1)
            )
    )
