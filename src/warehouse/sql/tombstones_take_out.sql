-- Rows of load $3 whose customer was erased go, and are counted among the rejected ones without a word of theirs.
WITH loaded AS MATERIALIZED (
    SELECT DISTINCT r.customer_id FROM {raw}.{table} AS r WHERE r.load_id = $3 AND r.customer_id IS NOT NULL
),
erased AS (
    SELECT DISTINCT l.customer_id
    FROM loaded AS l
    CROSS JOIN quintile.person_keys AS k
    JOIN quintile.tombstones AS t ON t.customer_hash = quintile.customer_hash(k.inner_key, k.outer_key, l.customer_id)
    WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $2)
),
taken AS (
    DELETE FROM {raw}.{table} AS r
    USING erased AS e
    WHERE r.load_id = $3 AND r.customer_id = e.customer_id
    RETURNING 1
)
INSERT INTO {raw}.rejected_rows (source, file_name, line, column_name, reason, raw_text, load_id)
SELECT $2, $4, 0, NULL, 'the person was erased on request', '(erased)', $3 FROM taken
