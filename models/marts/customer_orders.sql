{{ config(materialized='table', distributed_by='customer_id', refresh='keys', indexes=[{'columns': ['customer_id', 'source', 'order_id', 'is_return'], 'unique': true}], tags=['marts']) }}

-- Lines are added up once, here; scores, cohorts and lifetime values all start from this table.
WITH headers AS (
    {{ order_headers(ref('stg_orders'), 'false') }}
    UNION ALL
    {{ order_headers(ref('stg_returns'), 'true') }}
)
SELECT
    h.customer_id,
    h.source,
    h.order_id,
    h.is_return,
    h.ordered_at,
    {{ day_of('h.ordered_at') }} AS order_date,
    h.line_count,
    -- Ten-thousandths: rounding the sums of float8 gives back the exact decimals.
    round(h.unit_count::numeric, 4) AS unit_count,
    round(h.revenue::numeric, 4) AS revenue,
    round(h.profit::numeric, 4) AS profit,
    h.channel,
    h.country,
    h.currency,
    h.id_is_synthetic,
    substr(h.largest_line, 17) AS category
FROM headers AS h
