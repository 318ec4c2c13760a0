-- How the lifetime values that workspace $1 shows were made, as far as the fit tells it. Where estimators were judged, story and reason are
-- those of the champion.
SELECT
    (f.facts ->> 'horizon_days')::float8 AS horizon_days,
    (f.facts ->> 'discount_rate_annual')::float8 AS discount_rate_annual,
    (f.facts ->> 'margin_share')::float8 AS margin_share,
    COALESCE(
        (
            SELECT e.value ->> 'story'
            FROM jsonb_array_elements(f.facts #> '{appraisal,estimators}') AS e
            WHERE e.value ->> 'estimator' = f.facts #>> '{appraisal,champion,estimator}'
        ),
        f.facts ->> 'estimator_story'
    ) AS story,
    COALESCE(f.facts #>> '{appraisal,champion,reason}', f.facts ->> 'estimator_reason') AS reason,
    f.facts #>> '{appraisal,leaky_against_honest,leaky_sentence}' AS leaky,
    f.facts #>> '{appraisal,leaky_against_honest,honest_sentence}' AS honest
FROM quintile.live AS v
INNER JOIN quintile.fits AS f ON f.run_id = v.run_id AND f.model = v.relation
WHERE v.workspace = $1 AND v.relation = 'customer_ltv'
