-- All loads of this file that may have left rows.
SELECT load_id
FROM {raw}.loads
WHERE source = $1
    AND file_name = $2
    AND outcome IN ('loaded', 'retried')
