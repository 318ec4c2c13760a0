{# The statements that create relations from a query. The header is what a model wants to have run just before. #}

{% macro get_create_table_as_sql(temporary, relation, sql) -%}
{{ return(adapter.dispatch('get_create_table_as_sql', 'dbt')(temporary, relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_table_as_sql(temporary, relation, sql) -%}
{{ return(create_table_as(temporary, relation, sql)) }}
{%- endmacro %}

{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
{% if language != 'sql' %}
    {% do exceptions.raise_compiler_error('models in ' ~ language ~ ' are not supported; write the model in SQL') %}
{% endif %}
{{ return(adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code)) }}
{%- endmacro %}

{# Under a contract the table is created with its constraints and filled after, in the declared order of columns. #}
{% macro default__create_table_as(temporary, relation, sql) -%}
{% set kind = 'TEMPORARY ' if temporary else 'UNLOGGED ' if config.get('unlogged', default=false) else '' %}
{% set contract = config.get('contract') %}
{{ config.get('sql_header', none) or '' }}
CREATE {{ kind }}TABLE {{ relation }}
{% if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
{% if contract and contract.enforced and not temporary -%}
{{ get_table_columns_and_constraints() }};
INSERT INTO {{ relation }} ({{ adapter.dispatch('get_column_names', 'dbt')() }})
(
    {{ get_select_subquery(sql) }}
);
{%- else -%}
AS (
    {{ sql }}
);
{%- endif %}
{%- endmacro %}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
{{ return(default__create_table_as(temporary, relation, sql)) }}
{%- endmacro %}

{% macro get_create_view_as_sql(relation, sql) -%}
{{ return(adapter.dispatch('get_create_view_as_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_view_as_sql(relation, sql) %}{{ return(create_view_as(relation, sql)) }}{% endmacro %}

{% macro create_view_as(relation, sql) -%}
{{ return(adapter.dispatch('create_view_as', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__create_view_as(relation, sql) -%}
{% set contract = config.get('contract') %}
{{ config.get('sql_header', none) or '' }}
CREATE VIEW {{ relation }}
{% if contract and contract.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
AS (
    {{ sql }}
);
{%- endmacro %}

{% macro get_create_materialized_view_as_sql(relation, sql) -%}
{{ return(adapter.dispatch('get_create_materialized_view_as_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_materialized_view_as_sql(relation, sql) -%}
CREATE MATERIALIZED VIEW IF NOT EXISTS {{ relation }} AS {{ sql }};
{% for index in config.get('indexes', []) -%}
{{ get_create_index_sql(relation, index) }}{{ ';' if not loop.last }}
{% endfor %}
{%- endmacro %}
{% macro postgres__get_create_materialized_view_as_sql(relation, sql) -%}
{{ return(default__get_create_materialized_view_as_sql(relation, sql)) }}
{%- endmacro %}

{% macro refresh_materialized_view(relation) -%}
{{ return(adapter.dispatch('refresh_materialized_view', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__refresh_materialized_view(relation) -%}
REFRESH MATERIALIZED VIEW {{ relation }}
{%- endmacro %}
{% macro postgres__refresh_materialized_view(relation) -%}
{{ return(default__refresh_materialized_view(relation)) }}
{%- endmacro %}

{# Whichever of the three the relation says it is. #}
{% macro get_create_sql(relation, sql) -%}
{{ return(adapter.dispatch('get_create_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_sql(relation, sql) -%}
{% if relation.is_view -%}
{{ get_create_view_as_sql(relation, sql) }}
{%- elif relation.is_table -%}
{{ get_create_table_as_sql(False, relation, sql) }}
{%- elif relation.is_materialized_view -%}
{{ get_create_materialized_view_as_sql(relation, sql) }}
{%- else -%}
{{ exceptions.raise_compiler_error('no statement is known that creates a relation of type ' ~ relation.type) }}
{%- endif %}
{%- endmacro %}
