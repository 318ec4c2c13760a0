{{ config(materialized='ltv', key='customer_id', estimator='auto', windows='ltv_windows', objective=var('ltv_objective', 'balanced'), horizon_days=var('ltv_horizon_days', 365), discount_rate_annual=0.1, margin_share=1.0, distributed_by='customer_id', tags=['analytics']) }}

-- Estimators are judged on the cuts of {{ ref('ltv_windows') }}.
SELECT
    p.customer_id,
    p.repeat_count::float8 AS repeat_count,
    (p.last_purchase_date - p.first_purchase_date)::float8 AS last_purchase_age_days,
    ({{ last_day(as_of) }} - p.first_purchase_date)::float8 AS age_days,
    p.mean_repeat_value
FROM {{ ref('customer_purchases') }} AS p
