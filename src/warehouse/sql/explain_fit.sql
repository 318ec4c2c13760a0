-- The facts of the fit behind customer_ltv in workspace $1, and of the back-test what is about the champion alone: the whole of it is long.
SELECT
    (f.facts - 'appraisal' - 'candidates')
    || jsonb_build_object('appraisal', CASE WHEN jsonb_typeof(f.facts -> 'appraisal') = 'object' THEN jsonb_strip_nulls(jsonb_build_object(
        'champion', f.facts #> '{appraisal,champion,estimator}',
        'reason', f.facts #> '{appraisal,champion,reason}',
        'horizon_days', f.facts #> '{appraisal,horizon_days}',
        'cuts', jsonb_array_length(f.facts #> '{appraisal,champion,cuts}'),
        'story', s.story,
        'accuracy', COALESCE(t.trial -> 'pooled', '{}'),
        'totals_inside', t.trial -> 'totals_inside',
        'totals_told', t.trial -> 'totals_told'
    )) END) AS row
FROM quintile.live AS l
INNER JOIN quintile.fits AS f ON f.run_id = l.run_id AND f.model = l.model
LEFT JOIN LATERAL (
    SELECT e.value -> 'story' AS story
    FROM jsonb_array_elements(f.facts #> '{appraisal,estimators}') AS e
    WHERE e.value -> 'estimator' = f.facts #> '{appraisal,champion,estimator}'
    LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
    SELECT e.value - 'origins' AS trial
    FROM jsonb_array_elements(f.facts #> '{appraisal,backtest,estimators}') AS e
    WHERE e.value -> 'estimator' = f.facts #> '{appraisal,champion,estimator}'
    LIMIT 1
) AS t ON true
WHERE l.workspace = $1 AND l.relation = 'customer_ltv'
