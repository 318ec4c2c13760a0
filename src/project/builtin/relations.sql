{# Relations as objects: looking them up and naming their companions. Nothing here changes the database. #}

{# The relation of this name, or none if the database has none. #}
{% macro load_cached_relation(relation) -%}
{{ return(adapter.get_relation(database=relation.database, schema=relation.schema, identifier=relation.identifier)) }}
{%- endmacro %}
{% macro load_relation(relation) %}{{ return(load_cached_relation(relation)) }}{% endmacro %}

{# Whether it exists, and the relation itself, made up if it does not. #}
{% macro get_or_create_relation(database, schema, identifier, type) -%}
{{ return(adapter.dispatch('get_or_create_relation', 'dbt')(database, schema, identifier, type)) }}
{%- endmacro %}
{% macro default__get_or_create_relation(database, schema, identifier, type) -%}
{% set existing = adapter.get_relation(database=database, schema=schema, identifier=identifier) %}
{% if existing %}{{ return([true, existing]) }}{% endif %}
{{ return([false, api.Relation.create(database=database, schema=schema, identifier=identifier, type=type)]) }}
{%- endmacro %}

{% macro make_intermediate_relation(base_relation, suffix='__dbt_tmp') -%}
{{ return(adapter.dispatch('make_intermediate_relation', 'dbt')(base_relation, suffix)) }}
{%- endmacro %}
{% macro default__make_intermediate_relation(base_relation, suffix) -%}
{{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix})) }}
{%- endmacro %}
{% macro postgres__make_intermediate_relation(base_relation, suffix) -%}
{{ return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False)) }}
{%- endmacro %}

{# Batches of one model run beside each other, so each gets a name of its own. #}
{% macro make_temp_relation(base_relation, suffix='__dbt_tmp') -%}
{% if suffix == '__dbt_tmp' and model.batch %}{% set suffix = suffix ~ '_' ~ model.batch.id %}{% endif %}
{{ return(adapter.dispatch('make_temp_relation', 'dbt')(base_relation, suffix)) }}
{%- endmacro %}
{% macro default__make_temp_relation(base_relation, suffix) -%}
{{ return(default__make_intermediate_relation(base_relation, suffix)) }}
{%- endmacro %}

{# Without schema, because temporary tables live in a schema of the session's own. #}
{% macro postgres__make_temp_relation(base_relation, suffix) -%}
{% set named = postgres__make_relation_with_suffix(base_relation, suffix, dstring=True) %}
{{ return(named.incorporate(path={'schema': none, 'database': none})) }}
{%- endmacro %}

{% macro make_backup_relation(base_relation, backup_relation_type, suffix='__dbt_backup') -%}
{{ return(adapter.dispatch('make_backup_relation', 'dbt')(base_relation, backup_relation_type, suffix)) }}
{%- endmacro %}
{% macro default__make_backup_relation(base_relation, backup_relation_type, suffix) -%}
{{ return(base_relation.incorporate(
    path={'identifier': base_relation.identifier ~ suffix}, type=backup_relation_type)) }}
{%- endmacro %}
{% macro postgres__make_backup_relation(base_relation, backup_relation_type, suffix) -%}
{% set named = postgres__make_relation_with_suffix(base_relation, suffix, dstring=False) %}
{{ return(named.incorporate(type=backup_relation_type)) }}
{%- endmacro %}

{#
  PostgreSQL cuts long names off at the end, where the suffix is, and two names would become one:
  so the name is shortened and the suffix kept. With dstring the time of day makes the name unique.
#}
{% macro postgres__make_relation_with_suffix(base_relation, suffix, dstring) -%}
{% if dstring %}{% set suffix = suffix ~ modules.datetime.datetime.now().strftime('%H%M%S%f') %}{% endif %}
{% set room = base_relation.relation_max_name_length() - suffix | length %}
{% if room < 0 %}
    {% do exceptions.raise_compiler_error('the suffix "' ~ suffix ~ '" is longer than a relation name may be') %}
{% endif %}
{{ return(base_relation.incorporate(path={'identifier': base_relation.identifier[:room] ~ suffix})) }}
{%- endmacro %}
