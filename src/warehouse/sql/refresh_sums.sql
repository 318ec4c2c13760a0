-- Sums of before, less what the changed keys brought then, and what they bring now. What nothing is left of goes.
INSERT INTO {schema}.{table} ([columns])
SELECT [run_id]::bigint, [as_of]::timestamptz, [group_columns], [sum_columns]
FROM (
    SELECT [plain_columns] FROM {schema}.{former} AS f
    UNION ALL
    SELECT [negative_columns] FROM (
[select_before]
    ) AS b
    UNION ALL
    SELECT [positive_columns] FROM (
[select_now]
    ) AS n
) AS t
GROUP BY [group_positions]
HAVING sum(t.row_count) <> 0
