-- The rejected rows of one file, in its order.
SELECT line, column_name, reason, raw_text
FROM {raw}.rejected_rows
WHERE source = $1
    AND file_name = $2
ORDER BY line
