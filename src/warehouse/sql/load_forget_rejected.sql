-- The rows that former loads of this file into table $3 rejected: the new one has its own. Another mapping may bring the
-- same file into another table; what that one rejected stays.
DELETE FROM {raw}.rejected_rows AS r
WHERE r.source = $1
    AND r.file_name = $2
    AND NOT EXISTS (SELECT 1 FROM {raw}.loads AS l WHERE l.load_id = r.load_id AND l.table_name <> $3)
