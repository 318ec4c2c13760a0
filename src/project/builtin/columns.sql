{# Columns: what a relation or a query has, and changes to those of a table. #}

{% macro get_columns_in_relation(relation) -%}
{{ return(adapter.dispatch('get_columns_in_relation', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_columns_in_relation(relation) -%}
{% call statement('get_columns_in_relation', fetch_result=True) %}
SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale
FROM {{ relation.information_schema('columns') }}
WHERE table_name = '{{ dbt.escape_single_quotes(relation.identifier) }}'
{% if relation.schema %}AND table_schema = '{{ dbt.escape_single_quotes(relation.schema) }}'{% endif %}
ORDER BY ordinal_position
{% endcall %}
{{ return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) }}
{%- endmacro %}
{% macro postgres__get_columns_in_relation(relation) -%}
{{ return(default__get_columns_in_relation(relation)) }}
{%- endmacro %}

{# Rows of name, type, length, precision, scale as column objects. #}
{% macro sql_convert_columns_in_relation(table) -%}
{% set columns = [] %}
{% for row in table %}{% do columns.append(api.Column(row[0], row[1], row[2], row[3], row[4])) %}{% endfor %}
{{ return(columns) }}
{%- endmacro %}

{% macro get_list_of_column_names(columns) %}{{ return(columns | map(attribute='name') | list) }}{% endmacro %}

{# Quoted and separated by commas, for INSERT and SELECT lists. #}
{% macro get_quoted_csv(column_names) -%}
{% set quoted = [] %}
{% for name in column_names %}{% do quoted.append(adapter.quote(name)) %}{% endfor %}
{{ return(quoted | join(', ')) }}
{%- endmacro %}

{# The query without its rows: its columns can be read and nothing is scanned. #}
{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
{{ return(adapter.dispatch('get_empty_subquery_sql', 'dbt')(select_sql, select_sql_header)) }}
{%- endmacro %}
{% macro default__get_empty_subquery_sql(select_sql, select_sql_header=none) %}
{{ select_sql_header if select_sql_header is not none }}
SELECT * FROM (
    {{ select_sql }}
) AS __dbt_sbq
WHERE false
LIMIT 0
{% endmacro %}

{# A query with the columns that a model's properties declare, to compare with those of its SQL. #}
{% macro get_empty_schema_sql(columns) -%}
{{ return(adapter.dispatch('get_empty_schema_sql', 'dbt')(columns)) }}
{%- endmacro %}
{% macro default__get_empty_schema_sql(columns) -%}
{% set untyped = [] %}
{% set unscaled = [] %}
{% set nulls = [] %}
{% for key in columns %}
    {% set column = columns[key] %}
    {% set type = column.get('data_type') %}
    {% if not type %}
        {% do untyped.append(column['name']) %}
    {% elif type.strip().lower() in ('numeric', 'decimal', 'number') %}
        {% do unscaled.append(column['name']) %}
    {% endif %}
    {% set name = adapter.quote(column['name']) if column.get('quote') else column['name'] %}
    {% do nulls.append(cast('null', type) ~ ' AS ' ~ name) %}
{% endfor %}
{% if untyped %}
    {{ exceptions.column_type_missing(column_names=untyped) }}
{% elif unscaled %}
    {% do exceptions.warn('columns of type numeric without precision and scale may be rounded on other databases: '
        ~ unscaled | join(', ')) %}
{% endif %}
{{ return('SELECT ' ~ nulls | join(', ')) }}
{%- endmacro %}

{# Columns with their types, as the server describes the query. #}
{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
{{ return(adapter.get_column_schema_from_query(get_empty_subquery_sql(select_sql, select_sql_header))) }}
{%- endmacro %}

{# Only the names. #}
{% macro get_columns_in_query(select_sql) -%}
{{ return(adapter.dispatch('get_columns_in_query', 'dbt')(select_sql)) }}
{%- endmacro %}
{% macro default__get_columns_in_query(select_sql) -%}
{% call statement('get_columns_in_query', fetch_result=True, auto_begin=False) %}
{{ get_empty_subquery_sql(select_sql) }}
{% endcall %}
{{ return(load_result('get_columns_in_query').table.columns | map(attribute='name') | list) }}
{%- endmacro %}

{#
  Through a second column, because a cast in place would fail where the types only convert on assignment. Whatever
  depends on the old column goes with it.
#}
{% macro alter_column_type(relation, column_name, new_column_type) -%}
{{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}
{%- endmacro %}
{% macro default__alter_column_type(relation, column_name, new_column_type) -%}
{% set old = adapter.quote(column_name) %}
{% set new = adapter.quote(column_name ~ '__dbt_alter') %}
{% call statement('alter_column_type') %}
ALTER TABLE {{ relation }} ADD COLUMN {{ new }} {{ new_column_type }};
UPDATE {{ relation }} SET {{ new }} = {{ old }};
ALTER TABLE {{ relation }} DROP COLUMN {{ old }} CASCADE;
ALTER TABLE {{ relation }} RENAME COLUMN {{ new }} TO {{ old }}
{% endcall %}
{%- endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
{{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}
{%- endmacro %}
{% macro default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
{% set changes = [] %}
{% for column in add_columns or [] %}
    {% do changes.append('ADD COLUMN ' ~ column.quoted ~ ' ' ~ column.expanded_data_type) %}
{% endfor %}
{% for column in remove_columns or [] %}{% do changes.append('DROP COLUMN ' ~ column.quoted) %}{% endfor %}
{% if changes %}{% do run_query('ALTER ' ~ relation.type ~ ' ' ~ relation ~ ' ' ~ changes | join(', ')) %}{% endif %}
{%- endmacro %}
