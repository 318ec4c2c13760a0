select order_id, status from {{ ref('current_orders') }}
