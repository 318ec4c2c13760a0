{{ config(materialized='table') }}
select status, order_id::bigint as order_id, 1.5::numeric(8,2) as weight from {{ ref('current_orders') }}
