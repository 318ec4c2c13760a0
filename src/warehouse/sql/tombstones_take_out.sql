-- Rows of load $3 whose customer was erased go.
WITH loaded AS MATERIALIZED (
    SELECT DISTINCT r.customer_id FROM {raw}.{table} AS r WHERE r.load_id = $3 AND r.customer_id IS NOT NULL
),
erased AS (
    SELECT DISTINCT l.customer_id
    FROM loaded AS l
    CROSS JOIN quintile.person_keys AS k
    JOIN quintile.tombstones AS t ON t.customer_hash = quintile.customer_hash(k.inner_key, k.outer_key, l.customer_id)
    WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $2)
)
DELETE FROM {raw}.{table} AS r
USING erased AS e
WHERE r.load_id = $3 AND r.customer_id = e.customer_id
