-- The place of customer $1 among all by a column.
SELECT
    count(*) AS customers,
    count(*) FILTER (WHERE o.{column} < c.value) AS below,
    count(*) FILTER (WHERE o.{column} = c.value) AS equal,
    COALESCE(avg(o.{column}), 0)::float8 AS mean,
    COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY o.{column}::float8), 0) AS median
FROM {schema}.{relation} AS o
CROSS JOIN (
    SELECT t.{column} AS value
    FROM {schema}.{relation} AS t
    WHERE t.customer_id::text = $1
    LIMIT 1
) AS c
WHERE o.{column} IS NOT NULL
