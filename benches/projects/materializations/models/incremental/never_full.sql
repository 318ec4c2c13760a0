{{ config(full_refresh=false) }}
select order_id, round from {{ ref('current_orders') }}
