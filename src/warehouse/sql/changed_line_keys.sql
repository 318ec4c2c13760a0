-- Keys that have changed lines, by the expression over a line o.
CREATE UNLOGGED TABLE {schema}.{keys} AS
SELECT DISTINCT k.line_key
FROM (
    SELECT [line_key] AS line_key
    FROM {schema}.{lines} AS o
    [removed]
) AS k
WHERE k.line_key IS NOT NULL
