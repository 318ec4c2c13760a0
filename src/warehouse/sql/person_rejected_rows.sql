-- Rejected rows that hold the id $1.
SELECT to_jsonb(r)
FROM {raw}.rejected_rows AS r
WHERE ($2::text IS NULL OR r.source = $2)
    AND position($1 IN r.raw_text) > 0
    AND $1 IN (SELECT quintile.words_of(r.raw_text))
ORDER BY r.source, r.file_name, r.line
