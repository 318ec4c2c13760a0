{# The present, in the four readings that packages ask for: they differ in time zone and in type. #}

{% macro current_timestamp() -%}
{{ adapter.dispatch('current_timestamp', 'dbt')() }}
{%- endmacro %}
{% macro default__current_timestamp() -%}
current_timestamp
{%- endmacro %}
{% macro postgres__current_timestamp() -%}
now()
{%- endmacro %}

{# Old packages' clock: without zone, in the session's zone. #}
{% macro current_timestamp_backcompat() -%}
{{ return(adapter.dispatch('current_timestamp_backcompat', 'dbt')()) }}
{%- endmacro %}
{% macro default__current_timestamp_backcompat() -%}
current_timestamp::timestamp
{%- endmacro %}
{% macro postgres__current_timestamp_backcompat() -%}
current_timestamp::{{ type_timestamp() }}
{%- endmacro %}

{# Old packages' clock: without zone, in UTC. #}
{% macro current_timestamp_in_utc_backcompat() -%}
{{ return(adapter.dispatch('current_timestamp_in_utc_backcompat', 'dbt')()) }}
{%- endmacro %}
{% macro default__current_timestamp_in_utc_backcompat() -%}
{{ return(current_timestamp_backcompat()) }}
{%- endmacro %}
{% macro postgres__current_timestamp_in_utc_backcompat() -%}
(current_timestamp AT TIME ZONE 'utc')::{{ type_timestamp() }}
{%- endmacro %}

{# The instant at which a snapshot sees its rows. #}
{% macro snapshot_get_time() -%}
{{ adapter.dispatch('snapshot_get_time', 'dbt')() }}
{%- endmacro %}
{% macro default__snapshot_get_time() -%}
{{ current_timestamp() }}
{%- endmacro %}
{% macro postgres__snapshot_get_time() -%}
{{ current_timestamp() }}::timestamp without time zone
{%- endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}
{{ adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp) }}
{%- endmacro %}
{% macro default__snapshot_string_as_time(timestamp) -%}
{{ return("'" ~ timestamp ~ "'::timestamp without time zone") }}
{%- endmacro %}
{% macro postgres__snapshot_string_as_time(timestamp) -%}
{{ return(default__snapshot_string_as_time(timestamp)) }}
{%- endmacro %}

{# The type of that instant, asked of the server because a project may have replaced the expression. #}
{% macro get_snapshot_get_time_data_type() -%}
{% set columns = get_column_schema_from_query('SELECT ' ~ snapshot_get_time() ~ ' AS dbt_snapshot_time') %}
{{ return(columns[0].dtype or none) }}
{%- endmacro %}
