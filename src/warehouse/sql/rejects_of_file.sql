-- The rejected rows of one file that were to go to table $3, in its order.
SELECT r.line, r.column_name, r.reason, r.raw_text
FROM {raw}.rejected_rows AS r
WHERE r.source = $1
    AND r.file_name = $2
    AND NOT EXISTS (SELECT 1 FROM {raw}.loads AS l WHERE l.load_id = r.load_id AND l.table_name <> $3)
ORDER BY r.line
