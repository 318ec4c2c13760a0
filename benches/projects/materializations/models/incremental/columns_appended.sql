{{ config(on_schema_change='append_new_columns') }}
select order_id{% if var('round') > 1 %}, status{% endif %}{% if var('round') < 3 %}, amount{% endif %}
from {{ ref('current_orders') }}
