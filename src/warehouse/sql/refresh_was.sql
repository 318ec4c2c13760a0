-- The rows that the changed keys had before.
CREATE TABLE {schema}.{was} AS
SELECT *
FROM {schema}.{former} AS f
WHERE f.[key] IN (SELECT k.[key] FROM {schema}.{keys} AS k)
