{# The columns of order lines that are profiled: pairs of name and kind, as column_figures() takes them. #}
{% macro line_columns() -%}
{{ return([
    ('order_id', 'person'),
    ('customer_id', 'person'),
    ('id_is_synthetic', 'boolean'),
    ('ordered_at', 'timestamptz'),
    ('product_id', 'text'),
    ('description', 'text'),
    ('category', 'text'),
    ('quantity', 'numeric'),
    ('unit_price', 'numeric'),
    ('discount', 'numeric'),
    ('unit_cost', 'numeric'),
    ('channel', 'text'),
    ('country', 'text'),
    ('currency', 'text'),
]) }}
{%- endmacro %}
