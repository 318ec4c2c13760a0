{{ config(materialized='table', indexes=[{'columns': ['feature'], 'unique': true}], max_row_loss_share=1.0, tags=['analytics']) }}

-- What each feature contributes to the estimator that was chosen: how much worse it is at the last cut of the past when the feature is shuffled among customers.
SELECT
    i.feature,
    f.facts #>> '{appraisal,champion,estimator}' AS estimator,
    i.gini_drop AS normalized_gini_drop,
    i.gini_drop_deviation AS normalized_gini_drop_deviation,
    i.r2_drop,
    i.r2_drop_deviation
FROM {{ source('quintile', 'fits') }} AS f
CROSS JOIN LATERAL jsonb_to_recordset(f.facts #> '{appraisal,importance}') AS i (
    feature text, gini_drop float8, gini_drop_deviation float8, r2_drop float8, r2_drop_deviation float8
)
WHERE f.model = 'customer_ltv'
    AND f.run_id = (SELECT l.run_id FROM {{ ref('customer_ltv') }} AS l LIMIT 1)
