-- The estimators of lifetime value that were tried, the chosen one first, then by what they would have said in the past. A relation that
-- an older version published lacks the columns of the past.
SELECT
    e.estimator,
    e.is_chosen,
    COALESCE((to_jsonb(e) ->> 'tells_purchases')::boolean, e.is_chosen) AS tells_purchases,
    e.log_likelihood::float8 AS log_likelihood,
    e.is_dropout_identified,
    to_jsonb(e.parameters) AS parameters,
    to_jsonb(e.warnings) AS warnings,
    (to_jsonb(e) ->> 'r2')::float8 AS r2,
    (to_jsonb(e) ->> 'normalized_gini')::float8 AS normalized_gini,
    (to_jsonb(e) ->> 'total_bias')::float8 AS total_bias,
    to_jsonb(e) ->> 'refusal_reason' AS refusal_reason
FROM {marts}.ltv_estimators AS e
ORDER BY e.is_chosen DESC, (to_jsonb(e) ->> 'loss')::float8 NULLS LAST, e.log_likelihood DESC NULLS LAST, e.estimator
