{{ config(materialized='table', max_row_loss_share=1.0, replicated=true, record_fit=true, tags=['marts', 'rfm']) }}

-- The values that part the scores, so that scoring a customer needs no other customer: for each measure four, with the
-- method `nested` four for each cell. Only here and for tiers are customers sorted; docs/rfm.md tells the methods.
{%- set frozen = rfm_frozen_run() %}
{%- set least = var('min_customers', 100) %}
WITH fitted AS (
    {% if frozen -%}
    {{ cut_points_frozen(frozen) }}
    {%- elif rfm_method() == 'nested' -%}
    {{ cut_points_nested(least) }}
    {%- elif rfm_method() == 'log_width' -%}
    {{ cut_points_log_width(least) }}
    {%- elif rfm_method() == 'breaks' -%}
    {{ cut_points_breaks() }}
    {%- else -%}
    {{ cut_points_quintile(least) }}
    {%- endif %}
)
SELECT
    f.measure,
    s.score::smallint AS score,
    f.cut_points[s.score - 1] AS cut_point,
    f.r_score,
    f.f_score,
    '{{ rfm_method() }}'::text AS method,
    '{{ rfm_monetary() }}'::text AS monetary_basis,
    {{ frozen if frozen else 'NULL' }}::bigint AS frozen_run_id
FROM fitted AS f
CROSS JOIN (VALUES (2), (3), (4), (5)) AS s (score)
-- Below `min_customers` there are no places, so no cut points and no rows.
WHERE f.cut_points IS NOT NULL
