{{ config(materialized='view', access='private') }}

SELECT o.customer_id, o.order_id, o.ordered_at, o.quantity * o.unit_price AS revenue
FROM {{ source('raw', 'orders') }} AS o
WHERE o.ordered_at < {{ as_of }}
