-- The profile of the orders, of source $1 unless that is null.
SELECT
    p.source, 'orders' AS table_name, p.column_name, p.line_count, p.null_share, p.distinct_count, p.minimum, p.maximum,
    p.is_personal, p.description
FROM (
[select]
) AS p
WHERE $1::text IS NULL OR p.source = $1
ORDER BY p.source, p.column_number
