{{ config(materialized='view', event_time='ordered_at') }}
select *, ordered_at + round * interval '1 day' as updated_at from {{ ref('current_orders') }}
