{{ config(materialized='view', tags=['personas']) }}

-- The customers who order often.
{{ persona_members(ref('customer_360'), 'Loyalists') }}
