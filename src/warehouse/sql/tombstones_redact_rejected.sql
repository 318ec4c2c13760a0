-- Rejected rows of load $3 that hold the id of somebody who was erased lose their text.
UPDATE {raw}.rejected_rows AS r
SET raw_text = '(erased)', reason = '(erased)'
WHERE r.load_id = $3
    AND EXISTS (
        SELECT
        FROM quintile.words_of(r.raw_text) AS word
        CROSS JOIN quintile.person_keys AS k
        JOIN quintile.tombstones AS t ON t.customer_hash = quintile.customer_hash(k.inner_key, k.outer_key, word)
        WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $2)
    )
