-- A view and all that reads from it, each after what it reads from.
WITH RECURSIVE readers (oid, depth) AS (
    SELECT $1::oid, 0
    UNION
    SELECT r.ev_class, readers.depth + 1
    FROM readers
    JOIN pg_catalog.pg_depend AS d
        ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = readers.oid
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.deptype = 'n'
    JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND r.ev_class <> readers.oid
)
SELECT n.nspname::text, c.relname::text, CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END
FROM readers
JOIN pg_catalog.pg_class AS c ON c.oid = readers.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
GROUP BY n.nspname, c.relname, c.relkind
ORDER BY max(readers.depth), n.nspname, c.relname
