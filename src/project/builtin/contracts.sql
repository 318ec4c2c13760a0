{# Contracts: the columns that a model's properties promise, held against those of its SQL before anything is built. #}

{% macro get_assert_columns_equivalent(sql) -%}
{{ adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql) }}
{%- endmacro %}
{% macro default__get_assert_columns_equivalent(sql) %}{{ return(assert_columns_equivalent(sql)) }}{% endmacro %}

{# Nothing where both sides agree in names and types, in whatever order; else the error lists both. #}
{% macro assert_columns_equivalent(sql) -%}
{% if not model['columns'] %}{% do exceptions.raise_contract_error([], []) %}{% endif %}
{% set built = format_columns(get_column_schema_from_query(sql, config.get('sql_header', none))) %}
{% set promised = format_columns(get_column_schema_from_query(get_empty_schema_sql(model['columns']))) %}
{% if built | map(attribute='formatted') | sort != promised | map(attribute='formatted') | sort %}
    {% do exceptions.raise_contract_error(promised, built) %}
{% endif %}
{%- endmacro %}

{% macro format_columns(columns) -%}
{% set formatted = [] %}
{% for column in columns %}{% do formatted.append(adapter.dispatch('format_column', 'dbt')(column)) %}{% endfor %}
{{ return(formatted) }}
{%- endmacro %}
{% macro default__format_column(column) -%}
{{ return({
    'name': column.name,
    'data_type': column.dtype,
    'formatted': column.column.lower() ~ ' ' ~ column.dtype
}) }}
{%- endmacro %}

{# The list in parentheses of CREATE TABLE: columns with types and constraints, then the constraints of the table. #}
{% macro get_table_columns_and_constraints() -%}
{{ adapter.dispatch('get_table_columns_and_constraints', 'dbt')() }}
{%- endmacro %}
{% macro default__get_table_columns_and_constraints() %}{{ return(table_columns_and_constraints()) }}{% endmacro %}
{% macro table_columns_and_constraints() -%}
{% set columns = adapter.render_raw_columns_constraints(raw_columns=model['columns']) %}
{% set constraints = adapter.render_raw_model_constraints(raw_constraints=model['constraints']) %}
(
    {{ (columns + constraints) | join(',\n    ') }}
)
{%- endmacro %}

{% macro default__get_column_names() -%}
{% for key in model['columns'] -%}
{% set column = model['columns'][key] -%}
{{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}{{ ', ' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{% macro get_select_subquery(sql) %}{{ return(adapter.dispatch('get_select_subquery', 'dbt')(sql)) }}{% endmacro %}
{% macro default__get_select_subquery(sql) -%}
SELECT {{ adapter.dispatch('get_column_names', 'dbt')() }}
FROM (
    {{ sql }}
) AS model_subq
{%- endmacro %}
