-- The rows that former loads of this file rejected: the new one has its own.
DELETE FROM {raw}.rejected_rows
WHERE source = $1
    AND file_name = $2
