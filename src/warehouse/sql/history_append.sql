INSERT INTO {schema}.{history} ([columns])
SELECT [columns]
FROM {schema}.{table}
