-- All lines of the keys that have changed lines.
CREATE UNLOGGED TABLE {schema}.{table} AS
SELECT o.*, NOT ([is_new]) AS was_there
FROM {raw}.orders AS o
WHERE [line_key] IN (SELECT k.line_key FROM {schema}.{keys} AS k)
