{{ config(on_schema_change='sync_all_columns') }}
select order_id{% if var('round') > 1 %}, status{% endif %}{% if var('round') < 3 %}, amount{% endif %},
    round::{{ 'integer' if var('round') == 1 else 'text' }} as round
from {{ ref('current_orders') }}
