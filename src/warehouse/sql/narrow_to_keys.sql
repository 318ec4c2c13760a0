-- A table, and not a view: a SELECT may read it many times.
CREATE TABLE {schema}.{table} AS
SELECT *
FROM [relation] AS r
WHERE r.[key] IN (SELECT k.[key] FROM {schema}.{keys} AS k)
