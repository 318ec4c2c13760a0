{{ config(materialized='table', indexes=[{'columns': ['estimator'], 'unique': true}], tags=['analytics']) }}

-- Every estimator that was tried for customer_ltv, with what it would have said at cuts of the past; all figures of the past are over the same cuts. The fit is
-- that of the run that made it. A fit that was refused has one row, 'none', with the reason among its warnings.
WITH fit AS (
    SELECT
        f.facts,
        f.facts ->> 'estimator' AS process,
        COALESCE(f.facts #>> '{appraisal,champion,estimator}', f.facts ->> 'estimator') AS champion
    FROM {{ source('quintile', 'fits') }} AS f
    WHERE f.model = 'customer_ltv'
        AND f.run_id = (SELECT l.run_id FROM {{ ref('customer_ltv') }} AS l LIMIT 1)
),
candidates AS (
    SELECT e.*
    FROM fit AS f
    CROSS JOIN LATERAL jsonb_to_recordset(f.facts -> 'candidates') AS e (
        estimator text,
        log_likelihood float8,
        is_dropout_identified boolean,
        parameters jsonb
    )
),
trials AS (
    SELECT
        t.*,
        t.origins -> -1 -> 'refused' AS refused
    FROM fit AS f
    CROSS JOIN LATERAL jsonb_to_recordset(f.facts #> '{appraisal,backtest,estimators}') AS t (
        estimator text,
        family text,
        flag jsonb,
        pooled jsonb,
        totals_inside integer,
        totals_told integer,
        origins jsonb
    )
),
losses AS (
    SELECT
        l.estimator,
        l.loss
    FROM fit AS f
    CROSS JOIN LATERAL jsonb_to_recordset(f.facts #> '{appraisal,champion,candidates}') AS l (estimator text, loss float8)
),
tried AS (
    SELECT
        COALESCE(c.estimator, t.estimator) AS estimator,
        c.log_likelihood,
        c.is_dropout_identified,
        c.parameters,
        t.family,
        t.flag,
        t.pooled,
        t.totals_inside,
        t.totals_told,
        t.refused
    FROM candidates AS c
    FULL JOIN trials AS t
        ON t.estimator = c.estimator
)
SELECT
    COALESCE(e.estimator, 'none') AS estimator,
    e.estimator IS NOT DISTINCT FROM f.champion AS is_chosen,
    e.log_likelihood,
    COALESCE(e.is_dropout_identified, false) AS is_dropout_identified,
    e.parameters,
    CASE WHEN e.estimator IS NOT DISTINCT FROM f.process THEN f.facts -> 'standard_errors' END AS standard_errors,
    CASE WHEN e.estimator IS NOT DISTINCT FROM f.process THEN f.facts -> 'warnings' END AS warnings,
    COALESCE(e.estimator = f.process, false) AS tells_purchases,
    e.family,
    l.loss,
    {%- for metric in ['rmse', 'mae', 'r2', 'spearman', 'normalized_gini', 'top_decile_share', 'total_bias', 'brier', 'auc'] %}
    (e.pooled ->> '{{ metric }}')::float8 AS {{ metric }},
    {%- endfor %}
    (e.pooled ->> 'customers')::integer AS tested_customers,
    (f.facts #>> '{appraisal,horizon_days}')::float8 AS tested_horizon_days,
    e.totals_inside,
    e.totals_told,
    COALESCE(e.refused ->> 'code', e.flag ->> 'code') AS refusal_code,
    COALESCE(e.refused ->> 'reason', e.flag ->> 'reason') AS refusal_reason,
    CASE WHEN e.estimator = f.champion THEN f.facts #>> '{appraisal,champion,reason}' END AS reason
FROM fit AS f
LEFT JOIN tried AS e
    ON true
LEFT JOIN losses AS l
    ON l.estimator = e.estimator
