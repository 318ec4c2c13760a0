{# Casts, comparisons and the aggregates that databases spell differently. #}

{% macro cast(field, type) %}{{ return(adapter.dispatch('cast', 'dbt')(field, type)) }}{% endmacro %}
{% macro default__cast(field, type) -%}
cast({{ field }} AS {{ type }})
{%- endmacro %}

{# PostgreSQL has no cast that answers NULL for a value that does not fit, so this one fails as cast() does. #}
{% macro safe_cast(field, type) %}{{ return(adapter.dispatch('safe_cast', 'dbt')(field, type)) }}{% endmacro %}
{% macro default__safe_cast(field, type) -%}
cast({{ field }} AS {{ type }})
{%- endmacro %}

{% macro cast_bool_to_text(field) %}{{ return(adapter.dispatch('cast_bool_to_text', 'dbt')(field)) }}{% endmacro %}
{% macro default__cast_bool_to_text(field) -%}
cast({{ field }} AS {{ api.Column.translate_type('string') }})
{%- endmacro %}

{% macro any_value(expression) %}{{ return(adapter.dispatch('any_value', 'dbt')(expression)) }}{% endmacro %}
{% macro default__any_value(expression) -%}
any_value({{ expression }})
{%- endmacro %}

{# any_value() came with PostgreSQL 16; the smallest value is one of them, and the same one on every run. #}
{% macro postgres__any_value(expression) -%}
min({{ expression }})
{%- endmacro %}

{% macro bool_or(expression) %}{{ return(adapter.dispatch('bool_or', 'dbt')(expression)) }}{% endmacro %}
{% macro default__bool_or(expression) -%}
bool_or({{ expression }})
{%- endmacro %}

{# The flag lets a project choose that two NULLs are equal; without it the comparison is that of SQL. #}
{% macro equals(expr1, expr2) %}{{ return(adapter.dispatch('equals', 'dbt')(expr1, expr2)) }}{% endmacro %}
{% macro default__equals(expr1, expr2) -%}
{% if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn -%}
({{ expr1 }} IS NOT DISTINCT FROM {{ expr2 }})
{%- else -%}
({{ expr1 }} = {{ expr2 }})
{%- endif %}
{%- endmacro %}
{% macro postgres__equals(expr1, expr2) %}{{ return(default__equals(expr1, expr2)) }}{% endmacro %}
