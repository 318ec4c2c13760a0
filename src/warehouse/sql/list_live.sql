-- The pointers of workspace $1 whose views are there; $2 is the schema of the public ones, $3 that of the private ones.
-- A view that somebody dropped counts as not published, so that the next publish makes it again; one whose rows
-- somebody dropped has nothing that could be carried on.
SELECT
    l.relation, l.model, l.run_id, l.materialization, l.access, l.parent_relation, l.view_fingerprint, m.row_count, m.inputs, m.recipe,
    r.as_of, r.sources_seen::text AS sources_seen,
    coalesce(m.hidden_reads, '{}') AS hidden_reads,
    l.parent_relation IS NULL
    OR (l.materialization = 'history' AND to_regclass(format('%I.%I', $3::text, l.parent_relation)) IS NOT NULL)
    OR EXISTS (
        SELECT 1
        FROM pg_catalog.pg_inherits AS i
        WHERE i.inhrelid = to_regclass(format('%I.%I', $3::text, l.model || '__r' || l.run_id)) AND NOT i.inhdetachpending
    ) AS has_rows
FROM quintile.live AS l
JOIN quintile.runs AS r ON r.run_id = l.run_id
LEFT JOIN quintile.run_models AS m ON m.run_id = l.run_id AND m.model = l.model
WHERE l.workspace = $1
  AND to_regclass(format('%I.%I', CASE l.access WHEN 'public' THEN $2::text ELSE $3::text END, l.relation)) IS NOT NULL
ORDER BY l.relation
