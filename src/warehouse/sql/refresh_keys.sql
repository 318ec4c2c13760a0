-- The rows of all keys that did not change, and those of the others as they are now.
INSERT INTO {schema}.{table} ([columns])
SELECT [run_id]::bigint, [as_of]::timestamptz, [former_columns]
FROM {schema}.{former} AS f
WHERE NOT EXISTS (SELECT FROM {schema}.{keys} AS k WHERE k.[key] = f.[key])
UNION ALL
SELECT m.run_id, m.as_of, [model_columns]
FROM {schema}.{now} AS m
