{{ config(on_schema_change='fail') }}
select order_id{% if var('round') > 2 %}, status{% endif %} from {{ ref('current_orders') }}
