-- The rows of a relation about customer $1; an id that is a number in an own project is compared as text.
SELECT to_jsonb(t) AS row
FROM {schema}.{relation} AS t
WHERE t.{key}::text = $1
LIMIT 100
