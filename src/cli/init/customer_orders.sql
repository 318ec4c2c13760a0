-- One row a customer, from the seed beside it.
select
    customer_id,
    count(*) as order_count,
    sum(amount) as revenue
from {{ ref('raw_orders') }}
group by customer_id
