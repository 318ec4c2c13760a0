-- Makes the state of run $2 the live one of workspace $1 instead of that of run $3. States newer than it are turned
-- away from; on the way forward again, those passed by are taken back.
UPDATE quintile.published_states
SET is_live = run_id = $2,
    withdrawn_at = CASE
        WHEN run_id > $2 THEN coalesce(withdrawn_at, now())
        WHEN run_id > $3 THEN NULL
        ELSE withdrawn_at
    END
WHERE workspace = $1 AND (is_live OR run_id >= least($2::bigint, $3::bigint))
