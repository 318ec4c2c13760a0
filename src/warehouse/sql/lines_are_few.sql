-- How many lines changed, and whether they are less than the share $2 of the table of orders $1; an estimate of none is no limit.
SELECT n.changed_lines, n.changed_lines <= $2::float8 * c.reltuples OR c.reltuples <= 0 AS are_few
FROM (SELECT count(*) AS changed_lines FROM {schema}.{lines}) AS n
CROSS JOIN pg_catalog.pg_class AS c
WHERE c.oid = to_regclass($1::text)
