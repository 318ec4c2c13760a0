-- The statements that give the view $1.$3 the rights that others have on the view $1.$2.
SELECT format(
    'GRANT %s ON %I.%I TO %s%s', x.privilege_type, $1::text, $3::text,
    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END,
    CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' END
)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
WHERE n.nspname = $1 AND c.relname = $2 AND x.grantee <> c.relowner
