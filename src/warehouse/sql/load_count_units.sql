-- Rows of the file by what became of them: new, updated, unchanged.
SELECT
    COALESCE(sum(file_row_count) FILTER (WHERE NOT is_known), 0)::bigint,
    COALESCE(sum(file_row_count) FILTER (WHERE is_known AND NOT is_unchanged), 0)::bigint,
    COALESCE(sum(file_row_count) FILTER (WHERE is_known AND is_unchanged), 0)::bigint
FROM {raw}.{units}
