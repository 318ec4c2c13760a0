-- Errors of the runs of workspace $1 that quote the id $2: PostgreSQL tells the row that breaks a rule.
WITH of_runs AS (
    UPDATE quintile.runs AS r
    SET error = '(erased)'
    WHERE r.workspace = $1 AND position($2 IN r.error) > 0 AND $2 IN (SELECT quintile.words_of(r.error))
    RETURNING 1
),
of_models AS (
    UPDATE quintile.run_models AS m
    SET error = '(erased)'
    FROM quintile.runs AS r
    WHERE r.run_id = m.run_id AND r.workspace = $1
        AND position($2 IN m.error) > 0 AND $2 IN (SELECT quintile.words_of(m.error))
    RETURNING 1
),
of_tests AS (
    UPDATE quintile.run_tests AS t
    SET error = '(erased)'
    FROM quintile.runs AS r
    WHERE r.run_id = t.run_id AND r.workspace = $1
        AND position($2 IN t.error) > 0 AND $2 IN (SELECT quintile.words_of(t.error))
    RETURNING 1
)
SELECT (SELECT count(*) FROM of_runs) + (SELECT count(*) FROM of_models) + (SELECT count(*) FROM of_tests)
