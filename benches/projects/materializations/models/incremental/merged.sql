{{ config(incremental_strategy='merge', merge_exclude_columns=['amount'],
    incremental_predicates=['DBT_INTERNAL_DEST.order_id > 0']) }}
select order_id, status, amount from {{ ref('current_orders') }}
