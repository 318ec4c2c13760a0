-- Points one relation to an earlier run. A view that was defined anew ($8) has no known fingerprint, so that the next
-- publish defines it again.
UPDATE quintile.live
SET previous_run_id = run_id,
    run_id = $3,
    view_fingerprint = CASE WHEN $8 THEN '' ELSE view_fingerprint END,
    parent_relation = $4,
    definition = $5,
    materialization = $6,
    access = $7,
    published_at = now()
WHERE workspace = $1 AND relation = $2
