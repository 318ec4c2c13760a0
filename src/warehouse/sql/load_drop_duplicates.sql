-- Rows of one load with the same key and the same content count once.
DELETE FROM {raw}.{stage} AS s
USING (
    SELECT [key], min(file_line) AS first_line
    FROM {raw}.{stage}
    GROUP BY [key]
    HAVING count(*) > 1
) AS r
WHERE ([s.key]) = ([r.key])
    AND s.file_line > r.first_line
