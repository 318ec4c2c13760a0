-- The slot that a request stands for: the one of its own id, else the one that waits.
SELECT scheduled_for, request_id IS NOT DISTINCT FROM $3::text AS is_same
FROM quintile.slots
WHERE workspace = $1 AND job = $2 AND trigger = 'manual' AND (request_id = $3 OR state = 'waiting')
ORDER BY request_id = $3 DESC NULLS LAST
LIMIT 1
