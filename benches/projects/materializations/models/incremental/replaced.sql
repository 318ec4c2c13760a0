{{ config(incremental_strategy='delete+insert', unique_key=['order_id', 'ordered_at']) }}
select * from {{ ref('current_orders') }}
{% if is_incremental() %}where round = {{ var('round') }}{% endif %}
