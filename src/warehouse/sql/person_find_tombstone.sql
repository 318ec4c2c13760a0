-- When the customer $2 of workspace $1 was erased from source $3 (null: from all), if so.
SELECT max(t.erased_at) AS erased_at
FROM quintile.person_keys AS k
JOIN quintile.tombstones AS t ON t.customer_hash = quintile.customer_hash(k.inner_key, k.outer_key, $2)
WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $3)
