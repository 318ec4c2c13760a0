{{ config(materialized='table', indexes=[{'columns': ['estimator'], 'unique': true}], tags=['analytics']) }}

-- Every estimator that was tried in the fit behind customer_ltv; the fit is that of the run that made it.
-- A fit that was refused has one row, 'none', with the reason among its warnings.
SELECT
    COALESCE(e.estimator, 'none') AS estimator,
    e.estimator IS NOT DISTINCT FROM f.facts ->> 'estimator' AS is_chosen,
    e.log_likelihood,
    COALESCE(e.is_dropout_identified, false) AS is_dropout_identified,
    e.parameters,
    CASE WHEN e.estimator IS NOT DISTINCT FROM f.facts ->> 'estimator' THEN f.facts -> 'standard_errors' END AS standard_errors,
    CASE WHEN e.estimator IS NOT DISTINCT FROM f.facts ->> 'estimator' THEN f.facts -> 'warnings' END AS warnings
FROM {{ source('quintile', 'fits') }} AS f
LEFT JOIN LATERAL jsonb_to_recordset(f.facts -> 'candidates') AS e (
    estimator text,
    log_likelihood float8,
    is_dropout_identified boolean,
    parameters jsonb
)
    ON true
WHERE f.model = 'customer_ltv'
    AND f.run_id = (SELECT l.run_id FROM {{ ref('customer_ltv') }} AS l LIMIT 1)
