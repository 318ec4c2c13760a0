{#
  Incremental strategies. A strategy `name` is the macro get_incremental_<name>_sql, which gets a dictionary of
  target_relation, temp_relation, unique_key, dest_columns and incremental_predicates: projects add their own.
#}

{% macro get_incremental_append_sql(arg_dict) -%}
{{ return(adapter.dispatch('get_incremental_append_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}
{% macro default__get_incremental_append_sql(arg_dict) -%}
{{ return(get_insert_into_sql(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'])) }}
{%- endmacro %}

{% macro get_incremental_delete_insert_sql(arg_dict) -%}
{{ return(adapter.dispatch('get_incremental_delete_insert_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}
{% macro default__get_incremental_delete_insert_sql(arg_dict) -%}
{{ return(get_delete_insert_merge_sql(
    arg_dict['target_relation'],
    arg_dict['temp_relation'],
    arg_dict['unique_key'],
    arg_dict['dest_columns'],
    arg_dict['incremental_predicates'])) }}
{%- endmacro %}

{% macro get_incremental_merge_sql(arg_dict) -%}
{{ return(adapter.dispatch('get_incremental_merge_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}
{% macro default__get_incremental_merge_sql(arg_dict) -%}
{{ return(get_merge_sql(
    arg_dict['target_relation'],
    arg_dict['temp_relation'],
    arg_dict['unique_key'],
    arg_dict['dest_columns'],
    arg_dict['incremental_predicates'])) }}
{%- endmacro %}

{# A batch may be run again, so its rows have to be found again: by the key. #}
{% macro get_incremental_microbatch_sql(arg_dict) -%}
{{ return(adapter.dispatch('get_incremental_microbatch_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}
{% macro default__get_incremental_microbatch_sql(arg_dict) -%}
{% if not arg_dict['unique_key'] %}
    {% do exceptions.raise_compiler_error('the strategy microbatch needs a unique_key; add one to the configuration') %}
{% endif %}
{{ return(get_incremental_merge_sql(arg_dict)) }}
{%- endmacro %}
{% macro postgres__get_incremental_microbatch_sql(arg_dict) -%}
{{ return(default__get_incremental_microbatch_sql(arg_dict)) }}
{%- endmacro %}

{% macro get_incremental_default_sql(arg_dict) -%}
{{ return(adapter.dispatch('get_incremental_default_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}
{% macro default__get_incremental_default_sql(arg_dict) -%}
{{ return(get_incremental_append_sql(arg_dict)) }}
{%- endmacro %}
{% macro postgres__get_incremental_default_sql(arg_dict) -%}
{% if arg_dict['unique_key'] %}{{ return(get_incremental_delete_insert_sql(arg_dict)) }}{% endif %}
{{ return(get_incremental_append_sql(arg_dict)) }}
{%- endmacro %}

{# The configuration of the model wins over the flag of the command. #}
{% macro should_full_refresh() -%}
{% set configured = config.get('full_refresh') %}
{{ return(flags.FULL_REFRESH if configured is none else configured) }}
{%- endmacro %}
{% macro should_store_failures() -%}
{% set configured = config.get('store_failures') %}
{{ return(flags.STORE_FAILURES if configured is none else configured) }}
{%- endmacro %}
