-- Whether two small tables of the same columns hold the same rows.
SELECT NOT EXISTS (
    SELECT
    FROM (
        SELECT ROW([columns])::text AS line, 1 AS sign FROM {schema}.{before}
        UNION ALL
        SELECT ROW([columns])::text, -1 FROM {schema}.{now}
    ) AS c
    GROUP BY c.line
    HAVING sum(c.sign) <> 0
)
