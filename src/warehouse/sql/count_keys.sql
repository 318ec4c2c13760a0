-- How many values the column $3 of the table $1.$2 has, by its statistics.
SELECT (CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * c.reltuples ELSE s.n_distinct END)::float8
FROM pg_catalog.pg_stats AS s
JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(format('%I.%I', s.schemaname, s.tablename))
WHERE s.schemaname = $1 AND s.tablename = $2 AND s.attname = $3
