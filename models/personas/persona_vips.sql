{{ config(materialized='view', tags=['personas']) }}

-- The customers who spend most, of those still buying.
{{ persona_members(ref('customer_360'), 'VIPs') }}
