{# Dropping, emptying and renaming relations: the statement of each kind, and the macros that run it. #}

{% macro get_drop_sql(relation) %}{{ return(adapter.dispatch('get_drop_sql', 'dbt')(relation)) }}{% endmacro %}
{% macro default__get_drop_sql(relation) -%}
{% if relation.is_view -%}
{{ drop_view(relation) }}
{%- elif relation.is_table -%}
{{ drop_table(relation) }}
{%- elif relation.is_materialized_view -%}
{{ drop_materialized_view(relation) }}
{%- else -%}
DROP {{ relation.type }} IF EXISTS {{ relation }} CASCADE
{%- endif %}
{%- endmacro %}

{% macro drop_table(relation) %}{{ return(adapter.dispatch('drop_table', 'dbt')(relation)) }}{% endmacro %}
{% macro default__drop_table(relation) -%}
DROP TABLE IF EXISTS {{ relation }} CASCADE
{%- endmacro %}
{% macro postgres__drop_table(relation) %}{{ return(default__drop_table(relation)) }}{% endmacro %}

{% macro drop_view(relation) %}{{ return(adapter.dispatch('drop_view', 'dbt')(relation)) }}{% endmacro %}
{% macro default__drop_view(relation) -%}
DROP VIEW IF EXISTS {{ relation }} CASCADE
{%- endmacro %}
{% macro postgres__drop_view(relation) %}{{ return(default__drop_view(relation)) }}{% endmacro %}

{% macro drop_materialized_view(relation) -%}
{{ return(adapter.dispatch('drop_materialized_view', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__drop_materialized_view(relation) -%}
DROP MATERIALIZED VIEW IF EXISTS {{ relation }} CASCADE
{%- endmacro %}
{% macro postgres__drop_materialized_view(relation) -%}
{{ return(default__drop_materialized_view(relation)) }}
{%- endmacro %}

{% macro drop_relation(relation) %}{{ return(adapter.dispatch('drop_relation', 'dbt')(relation)) }}{% endmacro %}
{% macro default__drop_relation(relation) -%}
{% call statement('drop_relation', auto_begin=False) %}{{ get_drop_sql(relation) }}{% endcall %}
{%- endmacro %}

{# For the answer of adapter.get_relation, which is none where there is nothing. #}
{% macro drop_relation_if_exists(relation) -%}
{% if relation is not none %}{% do adapter.drop_relation(relation) %}{% endif %}
{%- endmacro %}

{% macro truncate_relation(relation) -%}
{{ return(adapter.dispatch('truncate_relation', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__truncate_relation(relation) -%}
{% call statement('truncate_relation') %}TRUNCATE TABLE {{ relation }}{% endcall %}
{%- endmacro %}

{# ALTER TABLE renames views and materialized views as well. #}
{% macro rename_relation(from_relation, to_relation) -%}
{{ return(adapter.dispatch('rename_relation', 'dbt')(from_relation, to_relation)) }}
{%- endmacro %}
{% macro default__rename_relation(from_relation, to_relation) -%}
{% call statement('rename_relation') %}
ALTER TABLE {{ from_relation }} RENAME TO {{ adapter.quote_as_configured(to_relation.identifier, 'identifier') }}
{% endcall %}
{%- endmacro %}

{% macro get_rename_sql(relation, new_name) -%}
{{ return(adapter.dispatch('get_rename_sql', 'dbt')(relation, new_name)) }}
{%- endmacro %}
{% macro default__get_rename_sql(relation, new_name) -%}
{% if relation.is_view -%}
{{ get_rename_view_sql(relation, new_name) }}
{%- elif relation.is_materialized_view -%}
{{ get_rename_materialized_view_sql(relation, new_name) }}
{%- else -%}
{{ get_rename_table_sql(relation, new_name) }}
{%- endif %}
{%- endmacro %}

{% macro get_rename_table_sql(relation, new_name) -%}
{{ return(adapter.dispatch('get_rename_table_sql', 'dbt')(relation, new_name)) }}
{%- endmacro %}
{% macro default__get_rename_table_sql(relation, new_name) -%}
ALTER TABLE {{ relation }} RENAME TO {{ new_name }}
{%- endmacro %}
{% macro postgres__get_rename_table_sql(relation, new_name) -%}
{{ return(default__get_rename_table_sql(relation, new_name)) }}
{%- endmacro %}

{% macro get_rename_view_sql(relation, new_name) -%}
{{ return(adapter.dispatch('get_rename_view_sql', 'dbt')(relation, new_name)) }}
{%- endmacro %}
{% macro default__get_rename_view_sql(relation, new_name) -%}
ALTER VIEW {{ relation }} RENAME TO {{ new_name }}
{%- endmacro %}
{% macro postgres__get_rename_view_sql(relation, new_name) -%}
{{ return(default__get_rename_view_sql(relation, new_name)) }}
{%- endmacro %}

{% macro get_rename_materialized_view_sql(relation, new_name) -%}
{{ return(adapter.dispatch('get_rename_materialized_view_sql', 'dbt')(relation, new_name)) }}
{%- endmacro %}
{% macro default__get_rename_materialized_view_sql(relation, new_name) -%}
ALTER MATERIALIZED VIEW {{ relation }} RENAME TO {{ new_name }}
{%- endmacro %}
{% macro postgres__get_rename_materialized_view_sql(relation, new_name) -%}
{{ return(default__get_rename_materialized_view_sql(relation, new_name)) }}
{%- endmacro %}
