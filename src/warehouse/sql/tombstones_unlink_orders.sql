-- Order lines of load $3 that stay without their customer, as the erasure asked for; in the table or its stage.
WITH loaded AS MATERIALIZED (
    SELECT DISTINCT o.customer_id FROM {raw}.{table} AS o WHERE o.load_id = $3 AND o.customer_id IS NOT NULL
),
unlinked AS (
    SELECT l.customer_id
    FROM loaded AS l
    CROSS JOIN quintile.person_keys AS k
    JOIN quintile.tombstones AS t ON t.customer_hash = quintile.customer_hash(k.inner_key, k.outer_key, l.customer_id)
    WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $2)
    GROUP BY l.customer_id
    HAVING bool_and(t.keeps_orders)
)
UPDATE {raw}.{table} AS o
SET customer_id = NULL
FROM unlinked AS u
WHERE o.load_id = $3 AND o.customer_id = u.customer_id
