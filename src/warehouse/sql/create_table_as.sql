CREATE TABLE {schema}.{table} AS
SELECT [run_id]::bigint AS run_id, [as_of]::timestamptz AS as_of, model_rows.*
FROM (
[select]
) AS model_rows
