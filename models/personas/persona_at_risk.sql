{{ config(materialized='view', tags=['personas']) }}

-- The customers who have been away longest.
{{ persona_members(ref('customer_360'), 'At Risk') }}
