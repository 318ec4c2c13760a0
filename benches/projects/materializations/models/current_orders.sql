-- What a source shows in this round: the newest version of each order, and order 1 is deleted in round 3.
{{ config(materialized='ephemeral') }}
select distinct on (order_id) order_id, customer_id, status, amount, ordered_at, round
from {{ ref('orders') }}
where round <= {{ var('round') }} and not (order_id = 1 and {{ var('round') }} = 3)
order by order_id, round desc
