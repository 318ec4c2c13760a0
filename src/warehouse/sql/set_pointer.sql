UPDATE quintile.live
SET previous_run_id = run_id, run_id = $3, parent_relation = $4, published_at = now()
WHERE workspace = $1 AND relation = $2
