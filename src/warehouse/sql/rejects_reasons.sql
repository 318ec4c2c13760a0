-- Rejected rows by what is wrong with them; the values in the reasons are left out, so that alike ones come together.
SELECT
    r.source,
    r.column_name,
    regexp_replace(r.reason, '"[^"]*"|[0-9]+', '...', 'g') AS reason,
    count(*) AS row_count,
    count(DISTINCT r.file_name) AS file_count,
    min(r.reason) AS example
FROM {raw}.rejected_rows AS r
WHERE ($1::text IS NULL OR r.source = $1)
    AND ($2::bigint IS NULL OR r.load_id = $2)
GROUP BY 1, 2, 3
ORDER BY row_count DESC, 1, 2, 3
