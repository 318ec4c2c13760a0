-- The tombstone of customer $3 in workspace $1 and source $2 (null: whatever the source). Orders that are gone already are
-- not brought back by a second erasure that would keep them.
INSERT INTO quintile.tombstones AS t (workspace, source, customer_hash, keeps_orders)
SELECT $1, $2, quintile.customer_hash(k.inner_key, k.outer_key, $3), $4
FROM quintile.person_keys AS k
ON CONFLICT (workspace, customer_hash, coalesce(source, '')) DO UPDATE
SET keeps_orders = t.keeps_orders AND excluded.keeps_orders, erased_at = excluded.erased_at
