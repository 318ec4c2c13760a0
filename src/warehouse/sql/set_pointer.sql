-- Points one relation to an earlier run. A view that was defined anew over another parent has no known fingerprint,
-- so that the next publish defines it again.
UPDATE quintile.live
SET previous_run_id = run_id,
    run_id = $3,
    view_fingerprint = CASE WHEN parent_relation IS DISTINCT FROM $4 THEN '' ELSE view_fingerprint END,
    parent_relation = $4,
    published_at = now()
WHERE workspace = $1 AND relation = $2
