-- The rows of the changed keys, made anew; in the types of the table.
CREATE TABLE {schema}.{now} AS
SELECT *
FROM {schema}.{table}
WHERE false
UNION ALL
SELECT [run_id]::bigint, [as_of]::timestamptz, [model_columns]
FROM (
[select]
) AS m
