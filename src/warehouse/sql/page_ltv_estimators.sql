-- The estimators of lifetime value that were tried, the chosen one first.
SELECT
    e.estimator,
    e.is_chosen,
    e.log_likelihood::float8 AS log_likelihood,
    e.is_dropout_identified,
    to_jsonb(e.parameters) AS parameters,
    to_jsonb(e.warnings) AS warnings
FROM {marts}.ltv_estimators AS e
ORDER BY e.is_chosen DESC, e.log_likelihood DESC NULLS LAST
