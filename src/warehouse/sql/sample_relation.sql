-- The first rows of a relation as texts; days and instants in ISO 8601, whatever the session's settings.
SELECT ARRAY(
    SELECT coalesce(j.row_json ->> c.name, '')
    FROM unnest($1::text[]) WITH ORDINALITY AS c (name, place)
    ORDER BY c.place
) AS fields
FROM (SELECT to_jsonb(s) AS row_json FROM {schema}.{table} AS s LIMIT $2) AS j
