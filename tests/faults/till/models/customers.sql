{{ config(materialized='table', indexes=[{'columns': ['customer_id'], 'unique': true}]) }}

SELECT customer_id, count(*) AS order_count, max(ordered_at) AS last_ordered_at, sum(revenue) AS net_revenue
FROM {{ ref('stg_orders') }}
GROUP BY customer_id
