-- What each unit of the load is: new, unchanged or updated. Rows are compared by their values, so 1.0 equals 1.00.
CREATE UNLOGGED TABLE {raw}.{units} AS
SELECT
    [unit],
    count(*) FILTER (WHERE is_staged) AS row_count,
    count(*) FILTER (WHERE is_from_file) AS file_row_count,
    bool_or(is_there) AS is_known,
    bool_and(is_staged AND is_there AND is_equal) AS is_unchanged
FROM (
    SELECT
        [coalesced unit],
        s.load_id IS NOT NULL AS is_staged,
        s.file_line IS NOT NULL AS is_from_file,
        t.load_id IS NOT NULL AS is_there,
        ROW([s.values]) IS NOT DISTINCT FROM ROW([t.values]) AS is_equal
    FROM {raw}.{stage} AS s
    FULL JOIN (
        SELECT o.*
        FROM {raw}.{table} AS o
        WHERE (o.source, [o.unit]) IN (SELECT source, [unit] FROM {raw}.{stage})
    ) AS t
        ON t.source = s.source AND [keys equal]
) AS compared
GROUP BY [unit]
