CREATE TABLE {schema}.{keys} AS
SELECT DISTINCT c.[key]
FROM (
[select]
) AS c
WHERE c.[key] IS NOT NULL
