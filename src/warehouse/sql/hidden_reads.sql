-- What a SELECT reads besides the relations that its template named ($2), told by the view $1 made of it:
-- other relations, and functions whose answer is not decided by their arguments.
WITH seen AS (
    SELECT DISTINCT d.refclassid, d.refobjid
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
    WHERE r.ev_class = $1::text::regclass AND d.refobjid <> r.ev_class
)
SELECT s.refobjid::regclass::text AS name
FROM seen AS s
WHERE s.refclassid = 'pg_catalog.pg_class'::regclass
  AND s.refobjid <> ALL (SELECT to_regclass(known.name) FROM unnest($2::text[]) AS known (name) WHERE to_regclass(known.name) IS NOT NULL)
UNION ALL
SELECT p.oid::regprocedure::text
FROM seen AS s
JOIN pg_catalog.pg_proc AS p ON p.oid = s.refobjid
WHERE s.refclassid = 'pg_catalog.pg_proc'::regclass AND p.provolatile <> 'i'
ORDER BY name
