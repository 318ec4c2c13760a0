-- Rejected rows, the newest loads first.
SELECT r.source, r.file_name, r.line, r.column_name, r.reason, r.raw_text, r.load_id
FROM {raw}.rejected_rows AS r
WHERE ($1::text IS NULL OR r.source = $1)
    AND ($2::bigint IS NULL OR r.load_id = $2)
ORDER BY r.load_id DESC, r.file_name, r.line
LIMIT $3
