-- Rejected rows that hold the id $1 lose their text and what their reason quotes of it. They stay, so that rows read are
-- still rows loaded plus rows rejected.
UPDATE {raw}.rejected_rows AS r
SET raw_text = '(erased)', reason = '(erased)'
WHERE ($2::text IS NULL OR r.source = $2)
    AND (
        (position($1 IN r.raw_text) > 0 AND $1 IN (SELECT quintile.words_of(r.raw_text)))
        OR (position($1 IN r.reason) > 0 AND $1 IN (SELECT quintile.words_of(r.reason)))
    )
