select status, count(*) as orders from {{ ref('current_orders') }} group by status
