{{ config(materialized='view', tags=['personas']) }}

-- The customers who buy now and then.
{{ persona_members(ref('customer_360'), 'Casual Shoppers') }}
