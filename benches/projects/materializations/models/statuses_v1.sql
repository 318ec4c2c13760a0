select distinct status from {{ ref('current_orders') }}
