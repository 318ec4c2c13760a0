-- How many lines changed, whether they are less than the share $2 of the table of orders $1 (an estimate of none is no limit), and
-- of how many it is doubtful.
SELECT n.changed_lines, n.changed_lines <= $2::float8 * c.reltuples OR c.reltuples <= 0 AS are_few, n.doubtful + r.doubtful AS doubtful
FROM (SELECT count(*) AS changed_lines, count(*) FILTER (WHERE l.is_doubtful) AS doubtful FROM {schema}.{lines} AS l) AS n
CROSS JOIN (SELECT count(*) FILTER (WHERE l.is_doubtful) AS doubtful FROM {schema}.{removed} AS l) AS r
CROSS JOIN pg_catalog.pg_class AS c
WHERE c.oid = to_regclass($1::text)
