-- Files of source $1 with rejected rows that were to go to table $2, and what is known of each.
SELECT r.file_name, l.checksum, l.file_bytes, l.header
FROM (
    SELECT DISTINCT r.file_name
    FROM {raw}.rejected_rows AS r
    JOIN {raw}.loads AS l
        ON l.load_id = r.load_id
    WHERE r.source = $1
        AND l.table_name = $2
) AS r
CROSS JOIN LATERAL (
    SELECT checksum, COALESCE(file_bytes, 0) AS file_bytes, header
    FROM {raw}.loads
    WHERE source = $1
        AND table_name = $2
        AND file_name = r.file_name
        AND outcome IN ('loaded', 'retried')
    ORDER BY load_id DESC
    LIMIT 1
) AS l
ORDER BY r.file_name
