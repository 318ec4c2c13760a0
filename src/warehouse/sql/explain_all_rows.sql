-- All rows of a small relation.
SELECT to_jsonb(t) AS row
FROM {schema}.{relation} AS t
LIMIT 1000
