{# Indexes of a relation, from the `indexes` of a model's configuration. #}

{% macro get_create_index_sql(relation, index_dict) -%}
{{ return(adapter.dispatch('get_create_index_sql', 'dbt')(relation, index_dict)) }}
{%- endmacro %}

{# The name is made from relation and definition, so that a second run finds its index instead of adding one. #}
{% macro default__get_create_index_sql(relation, index_dict) -%}
{% set index = adapter.parse_index(index_dict) -%}
CREATE {{ 'UNIQUE ' if index.unique }}INDEX IF NOT EXISTS {{ adapter.quote(index.render(relation)) }}
ON {{ relation }} {{ 'USING ' ~ index.type ~ ' ' if index.type }}({{ index.columns | join(', ') }})
{%- endmacro %}
{% macro postgres__get_create_index_sql(relation, index_dict) -%}
{{ return(default__get_create_index_sql(relation, index_dict)) }}
{%- endmacro %}

{% macro create_indexes(relation) -%}
{{ adapter.dispatch('create_indexes', 'dbt')(relation) }}
{%- endmacro %}
{% macro default__create_indexes(relation) -%}
{% for index in config.get('indexes', default=[]) %}
    {% set statement_text = get_create_index_sql(relation, index) %}
    {% if statement_text %}{% do run_query(statement_text) %}{% endif %}
{% endfor %}
{%- endmacro %}

{% macro get_drop_index_sql(relation, index_name) -%}
{{ return(adapter.dispatch('get_drop_index_sql', 'dbt')(relation, index_name)) }}
{%- endmacro %}
{% macro default__get_drop_index_sql(relation, index_name) -%}
DROP INDEX IF EXISTS {{ adapter.quote(relation.schema) }}.{{ adapter.quote(index_name) }}
{%- endmacro %}
{% macro postgres__get_drop_index_sql(relation, index_name) -%}
{{ return(default__get_drop_index_sql(relation, index_name)) }}
{%- endmacro %}

{# Rows of name, method, unique and the columns, separated by commas. #}
{% macro get_show_indexes_sql(relation) -%}
{{ return(adapter.dispatch('get_show_indexes_sql', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_show_indexes_sql(relation) -%}
SELECT
    c.relname AS name,
    m.amname AS method,
    i.indisunique AS "unique",
    string_agg(a.attname, ',' ORDER BY a.attnum) AS column_names
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
WHERE t.relname = '{{ dbt.escape_single_quotes(relation.identifier) }}'
    AND n.nspname = '{{ dbt.escape_single_quotes(relation.schema) }}'
    AND t.relkind IN ('r', 'm')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
{%- endmacro %}
{% macro postgres__get_show_indexes_sql(relation) -%}
{{ return(default__get_show_indexes_sql(relation)) }}
{%- endmacro %}
