-- The pointer of history $2 of workspace $1 has moved: of the runs before it, those of $3 are left out as well.
UPDATE quintile.live
SET left_out = ARRAY(SELECT DISTINCT run_id FROM unnest(left_out || $3::bigint[]) AS run (run_id) ORDER BY run_id),
    keep_days = $4
WHERE workspace = $1 AND relation = $2
