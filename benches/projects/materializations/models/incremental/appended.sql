{{ config(incremental_strategy='append') }}
select * from {{ ref('current_orders') }}
{% if is_incremental() %}where round > (select max(round) from {{ this }}){% endif %}
