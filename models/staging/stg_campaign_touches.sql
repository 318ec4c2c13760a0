{{ config(materialized='table', access='private', distributed_by='customer_id', tags=['staging']) }}

-- When a campaign reached whom. The control arm was held back on purpose, and a member without a time cannot be put before an order.
SELECT
    m.customer_id,
    m.campaign_id,
    m.assigned_at
FROM {{ raw_rows('campaign_members') }} AS m
WHERE m.arm = 'treated'
    AND m.customer_id <> ''
    AND m.assigned_at < {{ as_of }}
