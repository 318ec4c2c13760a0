{{ config(materialized='table', indexes=[{'columns': ['estimator', 'cut_date', 'grouping_name', 'group_number'], 'unique': true}], max_row_loss_share=1.0, tags=['analytics']) }}

-- Predicted against actual means at cuts of the past, of every estimator that gave numbers: by tenth of the prediction, and by repeat purchases at the cut.
-- A shop too young for a cut has no row.
WITH origins AS (
    SELECT
        t.estimator,
        (o.value ->> 'cut')::date AS cut_date,
        o.value AS origin
    FROM {{ source('quintile', 'fits') }} AS f
    CROSS JOIN LATERAL jsonb_to_recordset(f.facts #> '{appraisal,backtest,estimators}') AS t (estimator text, origins jsonb)
    CROSS JOIN LATERAL jsonb_array_elements(t.origins) AS o (value)
    WHERE f.model = 'customer_ltv'
        AND f.run_id = (SELECT l.run_id FROM {{ ref('customer_ltv') }} AS l LIMIT 1)
        AND o.value ? 'deciles'
)
SELECT
    o.estimator,
    o.cut_date,
    'tenth of the prediction'::text AS grouping_name,
    d.decile AS group_number,
    d.customers,
    d.predicted_mean AS predicted_revenue_mean,
    d.actual_mean AS actual_revenue_mean,
    NULL::float8 AS predicted_purchases_mean,
    NULL::float8 AS actual_purchases_mean
FROM origins AS o
CROSS JOIN LATERAL jsonb_to_recordset(o.origin -> 'deciles') AS d (
    decile integer, customers integer, predicted_mean float8, actual_mean float8
)
UNION ALL
SELECT
    o.estimator,
    o.cut_date,
    'repeat purchases',
    b.repeat_count,
    b.customers,
    b.predicted_revenue_mean,
    b.actual_revenue_mean,
    b.predicted_purchases_mean,
    b.actual_purchases_mean
FROM origins AS o
CROSS JOIN LATERAL jsonb_to_recordset(o.origin -> 'by_frequency') AS b (
    repeat_count integer, customers integer, predicted_revenue_mean float8, actual_revenue_mean float8,
    predicted_purchases_mean float8, actual_purchases_mean float8
)
