-- The most frequent reasons of rejected rows, and how many rows and reasons there are in all.
SELECT
    r.source, r.table_name, r.column_name, r.reason, r.row_count, r.file_count,
    (sum(r.row_count) OVER ())::bigint AS all_rows,
    count(*) OVER () AS all_reasons
FROM {marts}.data_quality_rejects AS r
ORDER BY r.row_count DESC, r.source, r.table_name, r.column_name, r.reason
LIMIT 25
