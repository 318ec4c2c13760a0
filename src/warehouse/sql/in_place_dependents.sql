-- What hangs on relation $1 and would go with it: views with all that is needed to make them anew, foreign keys of
-- other tables, and whatever else, which stands in the way.
WITH hanging AS (
    SELECT DISTINCT d.classid, d.objid, d.deptype
    FROM pg_catalog.pg_depend AS d
    WHERE d.deptype IN ('n', 'a')
        AND (
            (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::oid)
            OR (
                d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                AND d.refobjid IN (
                    SELECT t.oid FROM pg_catalog.pg_class AS c
                    JOIN pg_catalog.pg_type AS row_type ON row_type.oid = c.reltype
                    JOIN pg_catalog.pg_type AS t ON t.oid IN (row_type.oid, row_type.typarray)
                    WHERE c.oid = $1
                )
            )
        )
)
SELECT
    CASE c.relkind WHEN 'v' THEN 'view' ELSE 'other' END AS what,
    c.oid AS oid,
    n.nspname::text AS schema,
    c.relname::text AS name,
    CASE c.relkind WHEN 'v' THEN pg_catalog.pg_get_viewdef(c.oid)
        ELSE pg_catalog.format('materialized view %I.%I', n.nspname, c.relname) END AS definition,
    pg_catalog.array_to_string(c.reloptions, ', ') AS options,
    r.xmin::text AS rule_xmin
FROM hanging AS h
JOIN pg_catalog.pg_rewrite AS r ON h.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = h.objid
JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid <> $1
UNION ALL
SELECT
    'foreign key',
    c.oid,
    n.nspname::text,
    pg_catalog.quote_ident(k.conname),
    pg_catalog.format('%I.%I', n.nspname, c.relname),
    pg_catalog.pg_get_constraintdef(k.oid),
    NULL
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conrelid <> $1
UNION ALL
SELECT 'other', h.objid, '', '', pg_catalog.pg_describe_object(h.classid, h.objid, 0), NULL, NULL
FROM hanging AS h
WHERE h.classid NOT IN (
        'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass,
        'pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass,
        'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass
    )
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE h.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = h.objid AND t.tgisinternal
    )
UNION ALL
-- A column of another table that has this relation's row type, or a table that inherits from it.
SELECT 'other', h.objid, '', '', pg_catalog.pg_describe_object(h.classid, h.objid, 0), NULL, NULL
FROM hanging AS h
JOIN pg_catalog.pg_class AS c ON c.oid = h.objid AND c.relkind IN ('r', 'p', 'f')
WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND h.deptype = 'n' AND c.oid <> $1
ORDER BY 3, 4
