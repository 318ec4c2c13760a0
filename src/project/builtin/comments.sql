{# Descriptions as comments in the database. #}

{% macro persist_docs(relation, model, for_relation=true, for_columns=true) -%}
{{ return(adapter.dispatch('persist_docs', 'dbt')(relation, model, for_relation, for_columns)) }}
{%- endmacro %}
{% macro default__persist_docs(relation, model, for_relation, for_columns) -%}
{% if for_relation and config.persist_relation_docs() and model.description %}
    {% do run_query(alter_relation_comment(relation, model.description)) %}
{% endif %}
{% if for_columns and config.persist_column_docs() and model.columns %}
    {% set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list %}
    {% set statements = alter_column_comment(relation, validate_doc_columns(relation, model.columns, existing)) %}
    {% if statements and statements | trim %}{% do run_query(statements) %}{% endif %}
{% endif %}
{%- endmacro %}

{# The described columns that exist; of the others it warns. Unquoted names match in any case. #}
{% macro validate_doc_columns(relation, column_dict, existing_column_names) -%}
{% set folded = existing_column_names | map('lower') | list %}
{% set present = {} %}
{% set missing = [] %}
{% for name in column_dict %}
    {% if name in existing_column_names or (not column_dict[name]['quote'] and name | lower in folded) %}
        {% do present.update({name: column_dict[name]}) %}
    {% else %}
        {% do missing.append(name) %}
    {% endif %}
{% endfor %}
{% if missing %}
    {% do exceptions.warn('columns are described that ' ~ relation ~ ' does not have: ' ~ missing | join(', ')) %}
{% endif %}
{{ return(present) }}
{%- endmacro %}

{% macro alter_relation_comment(relation, relation_comment) -%}
{{ return(adapter.dispatch('alter_relation_comment', 'dbt')(relation, relation_comment)) }}
{%- endmacro %}
{% macro default__alter_relation_comment(relation, relation_comment) -%}
COMMENT ON {{ relation.type | replace('_', ' ') }} {{ relation }} IS {{ postgres_escape_comment(relation_comment) }};
{%- endmacro %}
{% macro postgres__alter_relation_comment(relation, comment) -%}
{{ return(default__alter_relation_comment(relation, comment)) }}
{%- endmacro %}

{% macro alter_column_comment(relation, column_dict) -%}
{{ return(adapter.dispatch('alter_column_comment', 'dbt')(relation, column_dict)) }}
{%- endmacro %}
{% macro default__alter_column_comment(relation, column_dict) -%}
{% set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list %}
{% for name in column_dict if name in existing -%}
{% set column = column_dict[name] -%}
COMMENT ON COLUMN {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }}
    IS {{ postgres_escape_comment(column['description']) }};
{% endfor %}
{%- endmacro %}
{% macro postgres__alter_column_comment(relation, column_dict) -%}
{{ return(default__alter_column_comment(relation, column_dict)) }}
{%- endmacro %}

{# In dollar quotes with a name of its own, so that quotes, backslashes and other dollar quotes need no care. #}
{% macro postgres_escape_comment(comment) -%}
{% if comment is not string %}
    {% do exceptions.raise_compiler_error('a comment has to be text, not ' ~ comment) %}
{% endif %}
{% set fence = '$dbt_comment_literal_block$' %}
{% if fence in comment %}
    {% do exceptions.raise_compiler_error('a comment cannot contain ' ~ fence) %}
{% endif %}
{{ return(fence ~ comment ~ fence) }}
{%- endmacro %}
