-- How the lifetime values that workspace $1 shows were made, as far as the fit tells it.
SELECT
    (f.facts ->> 'horizon_days')::float8 AS horizon_days,
    (f.facts ->> 'discount_rate_annual')::float8 AS discount_rate_annual,
    (f.facts ->> 'margin_share')::float8 AS margin_share,
    f.facts ->> 'estimator_story' AS story,
    f.facts ->> 'estimator_reason' AS reason
FROM quintile.live AS v
INNER JOIN quintile.fits AS f ON f.run_id = v.run_id AND f.model = v.relation
WHERE v.workspace = $1 AND v.relation = 'customer_ltv'
