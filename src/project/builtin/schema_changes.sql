{# When an incremental model's SQL and its table differ in columns: the difference, and what on_schema_change does. #}

{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') -%}
{% if on_schema_change in ('ignore', 'append_new_columns', 'sync_all_columns', 'fail') %}
    {{ return(on_schema_change) }}
{% endif %}
{% do log('on_schema_change "' ~ on_schema_change ~ '" is not known, taking "' ~ default ~ '"') %}
{{ return(default) }}
{%- endmacro %}

{# Columns of the first list whose names the second lacks. #}
{% macro diff_columns(source_columns, target_columns) -%}
{% set known = target_columns | map(attribute='column') | list %}
{% set missing = [] %}
{% for column in source_columns if column.name not in known %}{% do missing.append(column) %}{% endfor %}
{{ return(missing) }}
{%- endmacro %}

{% macro diff_column_data_types(source_columns, target_columns) -%}
{{ return(adapter.dispatch('diff_column_data_types', 'dbt')(source_columns, target_columns)) }}
{%- endmacro %}
{% macro default__diff_column_data_types(source_columns, target_columns) -%}
{% set changes = [] %}
{% for new in source_columns %}
    {% for old in target_columns if old.name == new.name %}
        {% if new.expanded_data_type != old.expanded_data_type and not new.can_expand_to(other_column=old) %}
            {% do changes.append({'column_name': old.name, 'new_type': new.expanded_data_type}) %}
        {% endif %}
    {% endfor %}
{% endfor %}
{{ return(changes) }}
{%- endmacro %}

{% macro check_for_schema_changes(source_relation, target_relation) -%}
{{ return(adapter.dispatch('check_for_schema_changes', 'dbt')(source_relation, target_relation)) }}
{%- endmacro %}
{% macro default__check_for_schema_changes(source_relation, target_relation) -%}
{% set new = adapter.get_columns_in_relation(source_relation) %}
{% set old = adapter.get_columns_in_relation(target_relation) %}
{% set added = diff_columns(new, old) %}
{% set removed = diff_columns(old, new) %}
{% set retyped = diff_column_data_types(new, old) %}
{{ return({
    'schema_changed': (added or removed or retyped) | length > 0,
    'source_not_in_target': added,
    'target_not_in_source': removed,
    'source_columns': new,
    'target_columns': old,
    'new_target_types': retyped
}) }}
{%- endmacro %}

{% macro sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) -%}
{{ return(adapter.dispatch('sync_column_schemas', 'dbt')(on_schema_change, target_relation, schema_changes_dict)) }}
{%- endmacro %}
{% macro default__sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) -%}
{% set everything = on_schema_change == 'sync_all_columns' %}
{% if everything or on_schema_change == 'append_new_columns' %}
    {% do alter_relation_add_remove_columns(
        target_relation,
        schema_changes_dict['source_not_in_target'],
        schema_changes_dict['target_not_in_source'] if everything else none) %}
{% endif %}
{% if everything %}
    {% for change in schema_changes_dict['new_target_types'] %}
        {% do alter_column_type(target_relation, change['column_name'], change['new_type']) %}
    {% endfor %}
{% endif %}
{%- endmacro %}

{# The columns to insert, or nothing under `ignore`, where those of the table stay. #}
{% macro process_schema_changes(on_schema_change, source_relation, target_relation) -%}
{{ return(adapter.dispatch('process_schema_changes', 'dbt')(on_schema_change, source_relation, target_relation)) }}
{%- endmacro %}
{% macro default__process_schema_changes(on_schema_change, source_relation, target_relation) -%}
{% if on_schema_change == 'ignore' %}{{ return({}) }}{% endif %}
{% set changes = check_for_schema_changes(source_relation, target_relation) %}
{% if changes['schema_changed'] and on_schema_change == 'fail' %}
    {% do exceptions.raise_compiler_error('the columns of the model and of its table ' ~ target_relation ~ ' differ: '
        ~ 'only in the model ' ~ changes['source_not_in_target'] | map(attribute='name') | list
        ~ ', only in the table ' ~ changes['target_not_in_source'] | map(attribute='name') | list
        ~ ', of another type ' ~ changes['new_target_types']
        ~ '; run with --full-refresh, or set on_schema_change to append_new_columns or sync_all_columns') %}
{% elif changes['schema_changed'] %}
    {% do sync_column_schemas(on_schema_change, target_relation, changes) %}
{% endif %}
{{ return(changes['source_columns']) }}
{%- endmacro %}
