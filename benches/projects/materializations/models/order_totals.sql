{{ config(
    materialized='table',
    unlogged=true,
    indexes=[{'columns': ['customer_id'], 'unique': true}, {'columns': ['total', 'order_count'], 'type': 'btree'}],
    pre_hook="insert into {{ target.schema }}.hook_log values ('before {{ this.name }}')",
    post_hook=["analyze {{ this }}", {'sql': "vacuum {{ this }}", 'transaction': false}],
    persist_docs={'relation': true, 'columns': true}
) }}
select customer_id, sum(amount) as total, count(*)::int as order_count
from {{ ref('current_orders') }} group by customer_id
