-- Every run's own relation in the store $1, with its parent if attached: views before tables, what nobody ever saw before
-- what was published, then oldest first. The views of a run may read each other: the one that was made last goes first.
-- A detach that was cut off comes first: it blocks every other detach of its parent until it is finalised.
SELECT
    c.relname, own.run_id, c.relkind = 'v' AS is_view, p.relname AS parent, coalesce(i.inhdetachpending, false) AS is_detaching,
    EXISTS (SELECT FROM quintile.runs AS r WHERE r.run_id = own.run_id AND r.published_at IS NOT NULL) AS was_published
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT substring(c.relname FROM '__r([0-9]{1,18})$')::bigint AS run_id) AS own
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
WHERE n.nspname = $1 AND c.relkind IN ('r', 'v') AND own.run_id IS NOT NULL
ORDER BY is_view DESC, is_detaching DESC, was_published, own.run_id, CASE WHEN c.relkind = 'v' THEN -c.oid::bigint ELSE c.oid::bigint END
