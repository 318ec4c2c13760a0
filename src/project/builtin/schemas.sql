{# Creating and dropping schemas. #}

{% macro create_schema(relation) -%}
{{ adapter.dispatch('create_schema', 'dbt')(relation) }}
{%- endmacro %}
{% macro default__create_schema(relation) -%}
{% call statement('create_schema') %}
CREATE SCHEMA IF NOT EXISTS {{ relation.without_identifier().include(database=False) }}
{% endcall %}
{%- endmacro %}
{% macro postgres__create_schema(relation) %}{{ return(default__create_schema(relation)) }}{% endmacro %}

{% macro drop_schema(relation) -%}
{{ adapter.dispatch('drop_schema', 'dbt')(relation) }}
{%- endmacro %}
{% macro default__drop_schema(relation) -%}
{% call statement('drop_schema') %}
DROP SCHEMA IF EXISTS {{ relation.without_identifier().include(database=False) }} CASCADE
{% endcall %}
{%- endmacro %}
{% macro postgres__drop_schema(relation) %}{{ return(default__drop_schema(relation)) }}{% endmacro %}

{% macro drop_schema_named(schema_name) -%}
{{ return(adapter.dispatch('drop_schema_named', 'dbt')(schema_name)) }}
{%- endmacro %}
{% macro default__drop_schema_named(schema_name) -%}
{% do adapter.drop_schema(api.Relation.create(database=target.database, schema=schema_name)) %}
{%- endmacro %}
