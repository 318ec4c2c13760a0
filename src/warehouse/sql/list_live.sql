SELECT relation, run_id, materialization, access, parent_relation, view_fingerprint
FROM quintile.live
WHERE workspace = $1
ORDER BY relation
