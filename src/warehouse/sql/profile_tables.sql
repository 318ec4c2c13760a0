-- The profile of the raw tables beside the orders, of source $1 unless that is null.
SELECT
    p.source, p.table_name, p.column_name, p.row_count AS line_count, p.null_share, p.distinct_count, p.minimum, p.maximum,
    p.is_personal, p.description
FROM (
[select]
) AS p
WHERE $1::text IS NULL OR p.source = $1
ORDER BY p.source, array_position(ARRAY['customers', 'products', 'campaigns', 'campaign_members'], p.table_name), p.column_number
