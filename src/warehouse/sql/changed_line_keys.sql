-- Keys that have changed lines, or had lines that went, by the expression over a line o.
CREATE UNLOGGED TABLE {schema}.{keys} AS
SELECT [line_key] AS line_key
FROM {schema}.{lines} AS o
WHERE [line_key] IS NOT NULL
UNION
SELECT [line_key]
FROM {schema}.{removed} AS o
WHERE [line_key] IS NOT NULL
