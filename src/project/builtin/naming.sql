{# Where a node lands: the macros that projects replace most. Each gets what the node's configuration says, or none. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
{{ return(adapter.dispatch('generate_schema_name', 'dbt')(custom_schema_name, node)) }}
{%- endmacro %}

{# The target's schema in front, so that two developers' targets never write into one schema. #}
{% macro default__generate_schema_name(custom_schema_name, node) -%}
{{ target.schema }}{% if custom_schema_name is not none %}_{{ custom_schema_name | trim }}{% endif %}
{%- endmacro %}

{# For projects that want the bare custom schemas in production and one schema everywhere else. #}
{% macro generate_schema_name_for_env(custom_schema_name, node) -%}
{{ custom_schema_name | trim if target.name == 'prod' and custom_schema_name is not none else target.schema }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
{{ return(adapter.dispatch('generate_database_name', 'dbt')(custom_database_name, node)) }}
{%- endmacro %}
{% macro default__generate_database_name(custom_database_name=none, node=none) -%}
{{ target.database if custom_database_name is none else custom_database_name }}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
{{ return(adapter.dispatch('generate_alias_name', 'dbt')(custom_alias_name, node)) }}
{%- endmacro %}
{% macro default__generate_alias_name(custom_alias_name=none, node=none) -%}
{% if custom_alias_name -%}
{{ custom_alias_name | trim }}
{%- elif node.version -%}
{{ node.name }}_v{{ node.version | replace('.', '_') }}
{%- else -%}
{{ node.name }}
{%- endif %}
{%- endmacro %}

{# The name without version, under which readers find the latest version of a model. #}
{% macro generate_latest_version_pointer_alias(custom_alias_name=none, node=none) -%}
{{ return(adapter.dispatch('generate_latest_version_pointer_alias', 'dbt')(custom_alias_name, node)) }}
{%- endmacro %}
{% macro default__generate_latest_version_pointer_alias(custom_alias_name=none, node=none) -%}
{{ custom_alias_name | trim if custom_alias_name else node.name }}
{%- endmacro %}
