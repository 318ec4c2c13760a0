-- Files of a source with rejected rows, and what is known of each.
SELECT r.file_name, l.checksum, l.file_bytes, l.header
FROM (SELECT DISTINCT file_name FROM {raw}.rejected_rows WHERE source = $1) AS r
CROSS JOIN LATERAL (
    SELECT checksum, COALESCE(file_bytes, 0) AS file_bytes, header
    FROM {raw}.loads
    WHERE source = $1
        AND file_name = r.file_name
        AND outcome IN ('loaded', 'retried')
    ORDER BY load_id DESC
    LIMIT 1
) AS l
ORDER BY r.file_name
