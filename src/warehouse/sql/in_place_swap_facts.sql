-- The relation to be replaced ($1 schema, $2 name) and the one that replaces it ($3): kinds, whether the columns are the
-- same, and the statements that carry owner, rights and comments over. The last ones expect the new relation under the
-- old one's name.
WITH old AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl, n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
),
fresh AS (
    SELECT c.oid, c.relkind, c.relowner, c.relacl
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1::text AND c.relname = $3::text AND c.relkind IN ('r', 'v', 'm')
),
shape AS (
    SELECT a.attrelid,
        pg_catalog.string_agg(
            pg_catalog.format('%s %s %s', a.attname, a.atttypid, a.atttypmod), E'\n' ORDER BY a.attnum
        ) AS columns
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid IN (SELECT oid FROM old UNION ALL SELECT oid FROM fresh) AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),
rights AS (
    SELECT 1 AS place, pg_catalog.format('REVOKE ALL ON %I.%I FROM %s', $1::text, $2::text, who.name) AS statement
    FROM fresh, old
    CROSS JOIN LATERAL (
        SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS name
        FROM pg_catalog.aclexplode(fresh.relacl) AS x
        WHERE x.grantee <> fresh.relowner
    ) AS who
    WHERE old.relacl IS NOT NULL
    UNION ALL
    SELECT 2, pg_catalog.format(
        'GRANT %s ON %I.%I TO %s%s', x.privilege_type, $1, $2,
        CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
        CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' END
    )
    FROM old CROSS JOIN LATERAL pg_catalog.aclexplode(old.relacl) AS x
    WHERE x.grantee <> old.relowner
    UNION ALL
    SELECT 3, pg_catalog.format(
        'GRANT %s (%I) ON %I.%I TO %s%s', x.privilege_type, a.attname, $1, $2,
        CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
        CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' END
    )
    FROM old
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = old.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
    JOIN fresh ON EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS b
        WHERE b.attrelid = fresh.oid AND b.attname = a.attname AND NOT b.attisdropped
    )
    CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS x
),
comments AS (
    SELECT 4 AS place, pg_catalog.format(
        'COMMENT ON %s %I.%I IS %L',
        CASE fresh.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, $1, $2, d.description
    ) AS statement
    FROM old JOIN fresh ON true
    JOIN pg_catalog.pg_description AS d
        ON d.objoid = old.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    UNION ALL
    SELECT 5, pg_catalog.format('COMMENT ON COLUMN %I.%I.%I IS %L', $1, $2, a.attname, d.description)
    FROM old JOIN fresh ON true
    JOIN pg_catalog.pg_description AS d
        ON d.objoid = old.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = old.oid AND a.attnum = d.objsubid AND a.attnum > 0
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = fresh.oid AND b.attname = a.attname AND NOT b.attisdropped
),
owner AS (
    SELECT 6 AS place, pg_catalog.format(
        'ALTER %s %I.%I OWNER TO %I',
        CASE fresh.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, $1, $2,
        pg_catalog.pg_get_userbyid(old.relowner)
    ) AS statement
    FROM old JOIN fresh ON fresh.relowner <> old.relowner
)
SELECT
    old.oid AS old_oid,
    old.relkind::text AS old_kind,
    fresh.oid AS fresh_oid,
    fresh.relkind::text AS fresh_kind,
    COALESCE(one.columns = other.columns, false) AS is_same_shape,
    ARRAY(
        SELECT s.statement
        FROM (TABLE rights UNION ALL TABLE comments UNION ALL TABLE owner) AS s
        ORDER BY s.place, s.statement
    ) AS carry_over
FROM fresh
LEFT JOIN old ON true
LEFT JOIN shape AS one ON one.attrelid = old.oid
LEFT JOIN shape AS other ON other.attrelid = fresh.oid
