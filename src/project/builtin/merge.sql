{#
  Bringing new rows into a table. The aliases DBT_INTERNAL_DEST and DBT_INTERNAL_SOURCE are part of the contract:
  a model's incremental_predicates name them.
#}

{% macro get_insert_into_sql(target_relation, temp_relation, dest_columns) -%}
{% set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
INSERT INTO {{ target_relation }} ({{ columns }})
(
    SELECT {{ columns }}
    FROM {{ temp_relation }}
)
{%- endmacro %}

{% macro get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
{{ return(adapter.dispatch('get_delete_insert_merge_sql', 'dbt')(
    target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}
{% macro default__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
{% if unique_key -%}
{% set key = unique_key if unique_key is string else unique_key | join(', ') -%}
DELETE FROM {{ target }} AS DBT_INTERNAL_DEST
WHERE ({{ key }}) IN (
    SELECT DISTINCT {{ key }}
    FROM {{ source }} AS DBT_INTERNAL_SOURCE
)
{%- for predicate in incremental_predicates or [] %}
AND {{ predicate }}
{%- endfor %};
{%- endif %}
{{ get_insert_into_sql(target, source, dest_columns) }}
{%- endmacro %}

{% macro get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
{# Older packages call the last argument by another name. #}
{% set predicates = kwargs.get('predicates', incremental_predicates) %}
{{ return(adapter.dispatch('get_merge_sql', 'dbt')(target, source, unique_key, dest_columns, predicates)) }}
{%- endmacro %}

{# Without a key nothing matches and every row is inserted. #}
{% macro default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
{% set conditions = [] %}
{% for predicate in incremental_predicates or [] %}{% do conditions.append(predicate) %}{% endfor %}
{% for key in ([unique_key] if unique_key is string else unique_key or []) %}
    {% do conditions.append(get_merge_unique_key_match('DBT_INTERNAL_SOURCE.' ~ key, 'DBT_INTERNAL_DEST.' ~ key)) %}
{% endfor %}
{% if not unique_key %}{% do conditions.append('FALSE') %}{% endif %}
{% set columns = get_quoted_csv(dest_columns | map(attribute='name')) %}
{{ config.get('sql_header', none) or '' }}
MERGE INTO {{ target }} AS DBT_INTERNAL_DEST
USING {{ source }} AS DBT_INTERNAL_SOURCE
ON ({{ conditions | join(') AND (') }})
{% if unique_key -%}
WHEN MATCHED THEN UPDATE SET
    {% for column in get_merge_update_columns(
        config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
    {{ column }} = DBT_INTERNAL_SOURCE.{{ column }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endif %}
WHEN NOT MATCHED THEN INSERT ({{ columns }}) VALUES ({{ columns }})
{%- endmacro %}

{% macro get_merge_unique_key_match(source_unique_key, target_unique_key) -%}
{{ return(adapter.dispatch('get_merge_unique_key_match', 'dbt')(source_unique_key, target_unique_key)) }}
{%- endmacro %}
{% macro default__get_merge_unique_key_match(source_unique_key, target_unique_key) -%}
{{ return(equals(source_unique_key, target_unique_key) | trim) }}
{%- endmacro %}

{% macro get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
{{ return(adapter.dispatch('get_merge_update_columns', 'dbt')(
    merge_update_columns, merge_exclude_columns, dest_columns)) }}
{%- endmacro %}
{% macro default__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
{% if merge_update_columns and merge_exclude_columns %}
    {% do exceptions.raise_compiler_error(
        'a model may have merge_update_columns or merge_exclude_columns, not both; leave one of them out') %}
{% endif %}
{% if merge_update_columns %}{{ return(merge_update_columns) }}{% endif %}
{% set excluded = (merge_exclude_columns or []) | map('lower') | list %}
{% set kept = [] %}
{% for column in dest_columns if column.column | lower not in excluded %}{% do kept.append(column.quoted) %}{% endfor %}
{{ return(kept) }}
{%- endmacro %}
