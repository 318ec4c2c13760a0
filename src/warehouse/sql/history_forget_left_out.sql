-- Runs $3 have no rows left that history $2 of workspace $1 would have to leave out.
WITH live AS (
    UPDATE quintile.live
    SET left_out = ARRAY(SELECT run_id FROM unnest(left_out) AS run (run_id) WHERE run_id <> ALL ($3::bigint[]) ORDER BY run_id)
    WHERE workspace = $1 AND model = $2 AND left_out && $3::bigint[]
)
UPDATE quintile.published_relations
SET left_out = ARRAY(SELECT run_id FROM unnest(left_out) AS run (run_id) WHERE run_id <> ALL ($3::bigint[]) ORDER BY run_id)
WHERE workspace = $1 AND model = $2 AND left_out && $3::bigint[]
