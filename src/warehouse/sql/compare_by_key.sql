-- Keys whose rows are not the same in two tables of the same columns.
SELECT c.row_key AS [key]
FROM (
    SELECT b.[key]::text AS row_key, hashtextextended(ROW([before_columns])::text, 0) AS row_hash, 1 AS sign FROM {schema}.{before} AS b
    UNION ALL
    SELECT n.[key]::text, hashtextextended(ROW([now_columns])::text, 0), -1 FROM {schema}.{now} AS n
) AS c
GROUP BY c.row_key, c.row_hash
HAVING sum(c.sign) <> 0
