{{ config(materialized='ltv', key='customer_id', estimator='auto', windows='ltv_windows', tracking='ltv_days', season=var('ltv_season', 'own'), refit_days=var('ltv_refit_days', 30), objective=var('ltv_objective', 'balanced'), horizon_days=var('ltv_horizon_days', 365), discount_rate_annual=0.1, margin_share=1.0, distributed_by='customer_id', tags=['analytics']) }}

-- Estimators are judged on the cuts of {{ ref('ltv_windows') }}, and the fit is watched by the purchases of {{ ref('ltv_days') }}.
-- What is no part of a purchase history is carried through.
SELECT
    p.customer_id,
    p.repeat_count::float8 AS repeat_count,
    (p.last_purchase_date - p.first_purchase_date)::float8 AS last_purchase_age_days,
    ({{ last_day(as_of) }} - p.first_purchase_date)::float8 AS age_days,
    p.mean_repeat_value,
    p.first_purchase_value,
    p.value_to_date
FROM {{ ref('customer_purchases') }} AS p
