-- Tables of histories in the store $1 that no state of workspace $2 shows. While a run is under way all stay.
SELECT c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT regexp_replace(c.relname, '__h[0-9a-f]{8}$', '') AS model) AS own
WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname ~ '__h[0-9a-f]{8}$'
    AND NOT EXISTS (
        SELECT FROM quintile.live AS l
        WHERE l.workspace = $2 AND l.model = own.model AND l.materialization = 'history'
    )
    AND NOT EXISTS (
        SELECT FROM quintile.published_relations AS p
        WHERE p.workspace = $2 AND p.model = own.model AND p.materialization = 'history'
    )
    AND NOT EXISTS (SELECT FROM quintile.runs AS r WHERE r.workspace = $2 AND r.state = 'running')
