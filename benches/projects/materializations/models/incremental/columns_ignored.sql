{{ config(on_schema_change='ignore') }}
select order_id, status{% if var('round') > 1 %}, amount{% endif %} from {{ ref('current_orders') }}
