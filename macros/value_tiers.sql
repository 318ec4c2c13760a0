{# The tiers by value, best first: name, and the share of customers that it reaches down to. #}
{% macro value_tier_shares() -%}
{{ return([('Platinum', 0.01), ('Gold', 0.05), ('Silver', 0.1), ('Bronze', 0.25), ('Medium', 0.5)]) }}
{%- endmacro %}

{# The tier of whoever is in none of the above. #}
{% macro lowest_value_tier() -%}
{{ return('Low') }}
{%- endmacro %}

{# What the tiers are made from, as the variable value_tier_basis says: revenue, profit or predicted_ltv. #}
{% macro value_tier_basis() -%}
{%- set basis = var('value_tier_basis', 'revenue') -%}
{%- if basis not in ['revenue', 'profit', 'predicted_ltv'] -%}
{{ exceptions.raise_compiler_error('value_tier_basis is "' ~ basis ~ '", which is no basis; known: revenue, profit, predicted_ltv') }}
{%- endif -%}
{{ return(basis) }}
{%- endmacro %}

{# One row a customer with the value that the tiers are made from; null where it is not known. #}
{% macro tier_values() -%}
{%- set basis = value_tier_basis() -%}
SELECT
        c.customer_id,
        {{ {'revenue': 'c.net_revenue', 'profit': 'c.profit', 'predicted_ltv': 'l.predicted_ltv'}[basis] }} AS value,
        c.id_is_synthetic
    FROM {{ ref('customers') }} AS c
    {%- if basis == 'predicted_ltv' %}
    LEFT JOIN {{ ref('customer_ltv') }} AS l
        ON l.customer_id = c.customer_id
    {%- endif %}
{%- endmacro %}
