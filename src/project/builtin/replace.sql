{# Replacing a relation: build beside it, move the old one away, move the new one in, drop the old one. #}

{% macro get_create_intermediate_sql(relation, sql) -%}
{{ return(adapter.dispatch('get_create_intermediate_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_intermediate_sql(relation, sql) -%}
{% set intermediate = make_intermediate_relation(relation) %}
{{ get_drop_sql(intermediate) }};
{{ get_create_sql(intermediate, sql) }}
{%- endmacro %}

{% macro get_rename_intermediate_sql(relation) -%}
{{ return(adapter.dispatch('get_rename_intermediate_sql', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_rename_intermediate_sql(relation) -%}
{{ get_rename_sql(make_intermediate_relation(relation), relation.identifier) }}
{%- endmacro %}

{% macro get_create_backup_sql(relation) -%}
{{ return(adapter.dispatch('get_create_backup_sql', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_create_backup_sql(relation) -%}
{% set backup = make_backup_relation(relation, relation.type) %}
{{ get_drop_sql(backup) }};
{{ get_rename_sql(relation, backup.identifier) }}
{%- endmacro %}

{% macro get_drop_backup_sql(relation) -%}
{{ return(adapter.dispatch('get_drop_backup_sql', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_drop_backup_sql(relation) -%}
{{ get_drop_sql(make_backup_relation(relation, relation.type)) }}
{%- endmacro %}

{% macro get_replace_view_sql(relation, sql) -%}
{{ return(adapter.dispatch('get_replace_view_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_replace_view_sql(relation, sql) -%}
{{ config.get('sql_header', none) or '' }}
CREATE OR REPLACE VIEW {{ relation }} AS (
    {{ sql }}
);
{%- endmacro %}
{% macro postgres__get_replace_view_sql(relation, sql) -%}
{{ return(default__get_replace_view_sql(relation, sql)) }}
{%- endmacro %}

{# PostgreSQL replaces only views in place, and those only if their columns stay, so all kinds take the long way. #}
{% macro get_replace_sql(existing_relation, target_relation, sql) -%}
{{ return(adapter.dispatch('get_replace_sql', 'dbt')(existing_relation, target_relation, sql)) }}
{%- endmacro %}
{% macro default__get_replace_sql(existing_relation, target_relation, sql) -%}
{{ get_create_intermediate_sql(target_relation, sql) }};
{{ get_create_backup_sql(existing_relation) }};
{{ get_rename_intermediate_sql(target_relation) }};
{{ get_drop_backup_sql(existing_relation) }}
{%- endmacro %}
