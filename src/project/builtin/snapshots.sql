{# The parts of a snapshot that projects replace: how a version is named, what its bookkeeping columns are called. #}

{% macro snapshot_hash_arguments(args) -%}
{{ adapter.dispatch('snapshot_hash_arguments', 'dbt')(args) }}
{%- endmacro %}

{# The separator keeps ('ab', 'c') apart from ('a', 'bc'). #}
{% macro default__snapshot_hash_arguments(args) -%}
md5({% for arg in args -%}
coalesce(cast({{ arg }} AS varchar), ''){{ " || '|' || " if not loop.last }}
{%- endfor %})
{%- endmacro %}

{% macro get_snapshot_table_column_names() -%}
{{ return({
    'dbt_valid_to': 'dbt_valid_to',
    'dbt_valid_from': 'dbt_valid_from',
    'dbt_scd_id': 'dbt_scd_id',
    'dbt_updated_at': 'dbt_updated_at',
    'dbt_is_deleted': 'dbt_is_deleted'
}) }}
{%- endmacro %}

{# The end of a version that is still valid. Through nullif, so that the column gets the type of updated_at. #}
{% macro get_dbt_valid_to_current(strategy, columns) -%}
{% set current = config.get('dbt_valid_to_current') or 'NULL' -%}
coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ current }})
    AS {{ columns.dbt_valid_to }}
{% endmacro %}

{% macro get_true_sql() %}{{ return(adapter.dispatch('get_true_sql', 'dbt')()) }}{% endmacro %}
{% macro default__get_true_sql() %}{{ return('TRUE') }}{% endmacro %}

{% macro create_columns(relation, columns) -%}
{{ adapter.dispatch('create_columns', 'dbt')(relation, columns) }}
{%- endmacro %}
{% macro default__create_columns(relation, columns) -%}
{% do alter_relation_add_remove_columns(relation, columns, none) %}
{%- endmacro %}

{% macro post_snapshot(staging_relation) -%}
{{ adapter.dispatch('post_snapshot', 'dbt')(staging_relation) }}
{%- endmacro %}
{% macro default__post_snapshot(staging_relation) %}{% endmacro %}

{# A key of several columns becomes dbt_unique_key_1, dbt_unique_key_2 and so on. #}
{% macro unique_key_fields(unique_key) -%}
{% if unique_key is string -%}
{{ unique_key }} AS dbt_unique_key
{%- else -%}
{% for key in unique_key %}{{ key }} AS dbt_unique_key_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
{%- endif %}
{% endmacro %}
{% macro unique_key_join_on(unique_key, identifier, from_identifier) -%}
{% if unique_key is string -%}
{{ identifier }}.dbt_unique_key = {{ from_identifier }}.dbt_unique_key
{%- else -%}
{% for key in unique_key -%}
{% set name = '.dbt_unique_key_' ~ loop.index -%}
{{ equals(identifier ~ name, from_identifier ~ name) }}{{ ' AND ' if not loop.last }}
{%- endfor %}
{%- endif %}
{% endmacro %}
{% macro unique_key_is_null(unique_key, identifier) -%}
{{ identifier }}.dbt_unique_key{{ '_1' if unique_key is not string }} IS NULL
{% endmacro %}
{% macro unique_key_is_not_null(unique_key, identifier) -%}
{{ identifier }}.dbt_unique_key{{ '_1' if unique_key is not string }} IS NOT NULL
{% endmacro %}
