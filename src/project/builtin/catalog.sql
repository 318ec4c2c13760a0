{# Questions to the database's catalogue: schemas, relations, and which relation depends on which. #}

{% macro information_schema_name(database) -%}
{{ return(adapter.dispatch('information_schema_name', 'dbt')(database)) }}
{%- endmacro %}
{% macro default__information_schema_name(database) -%}
{% if database -%}{{ database }}.{% endif %}information_schema
{%- endmacro %}

{# A connection sees one database, so its name would add nothing. #}
{% macro postgres__information_schema_name(database) -%}
information_schema
{%- endmacro %}

{% macro list_schemas(database) %}{{ return(adapter.dispatch('list_schemas', 'dbt')(database)) }}{% endmacro %}
{% macro default__list_schemas(database) -%}
{% call statement('list_schemas', fetch_result=True, auto_begin=False) %}
SELECT nspname FROM pg_namespace
{% endcall %}
{{ return(load_result('list_schemas').table) }}
{%- endmacro %}
{% macro postgres__list_schemas(database) %}{{ return(default__list_schemas(database)) }}{% endmacro %}

{# One row with the number of schemas of that name: 0 or 1. #}
{% macro check_schema_exists(information_schema, schema) -%}
{{ return(adapter.dispatch('check_schema_exists', 'dbt')(information_schema, schema)) }}
{%- endmacro %}
{% macro default__check_schema_exists(information_schema, schema) -%}
{% call statement('check_schema_exists', fetch_result=True, auto_begin=False) %}
SELECT count(*) FROM pg_namespace WHERE nspname = '{{ dbt.escape_single_quotes(schema) }}'
{% endcall %}
{{ return(load_result('check_schema_exists').table) }}
{%- endmacro %}
{% macro postgres__check_schema_exists(information_schema, schema) -%}
{{ return(default__check_schema_exists(information_schema, schema)) }}
{%- endmacro %}

{# Rows of database, name, schema and type. #}
{% macro list_relations_without_caching(schema_relation) -%}
{{ return(adapter.dispatch('list_relations_without_caching', 'dbt')(schema_relation)) }}
{%- endmacro %}
{% macro default__list_relations_without_caching(schema_relation) -%}
{% call statement('list_relations_without_caching', fetch_result=True) %}
SELECT
    '{{ dbt.escape_single_quotes(schema_relation.database) }}' AS database,
    c.relname AS name,
    n.nspname AS schema,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' ELSE 'table' END AS type
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm')
    AND lower(n.nspname) = lower('{{ dbt.escape_single_quotes(schema_relation.schema) }}')
{% endcall %}
{{ return(load_result('list_relations_without_caching').table) }}
{%- endmacro %}
{% macro postgres__list_relations_without_caching(schema_relation) -%}
{{ return(default__list_relations_without_caching(schema_relation)) }}
{%- endmacro %}

{% macro get_relations() %}{{ return(adapter.dispatch('get_relations', 'dbt')()) }}{% endmacro %}

{# A view hangs on its rewrite rule, and the rule on every relation that the view reads. #}
{% macro default__get_relations() -%}
{% call statement('relations', fetch_result=True) %}
SELECT DISTINCT
    dependent_schema.nspname AS dependent_schema,
    dependent.relname AS dependent_name,
    referenced_schema.nspname AS referenced_schema,
    referenced.relname AS referenced_name
FROM pg_rewrite AS rule
JOIN pg_class AS dependent ON dependent.oid = rule.ev_class
JOIN pg_namespace AS dependent_schema ON dependent_schema.oid = dependent.relnamespace
JOIN pg_depend AS edge
    ON edge.classid = 'pg_rewrite'::regclass
    AND edge.objid = rule.oid
    AND edge.refclassid = 'pg_class'::regclass
    AND edge.refobjid <> dependent.oid
JOIN pg_class AS referenced ON referenced.oid = edge.refobjid
JOIN pg_namespace AS referenced_schema ON referenced_schema.oid = referenced.relnamespace
WHERE referenced_schema.nspname <> 'information_schema'
    AND referenced_schema.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2, 3, 4
{% endcall %}
{{ return(load_result('relations').table) }}
{%- endmacro %}
{% macro postgres__get_relations() %}{{ return(default__get_relations()) }}{% endmacro %}
{% macro postgres_get_relations() %}{{ return(get_relations()) }}{% endmacro %}

{# Relation kind of each schema's tables and views, with their columns: what a catalogue page shows. #}
{% macro get_catalog_relations(information_schema, relations) -%}
{{ return(adapter.dispatch('get_catalog_relations', 'dbt')(information_schema, relations)) }}
{%- endmacro %}
{% macro default__get_catalog_relations(information_schema, relations) -%}
{% call statement('catalog', fetch_result=True) %}
SELECT
    '{{ dbt.escape_single_quotes(information_schema.database or target.database) }}' AS table_database,
    n.nspname AS table_schema,
    c.relname AS table_name,
    CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'BASE TABLE' END AS table_type,
    obj_description(c.oid, 'pg_class') AS table_comment,
    a.attname AS column_name,
    a.attnum AS column_index,
    format_type(a.atttypid, a.atttypmod) AS column_type,
    col_description(c.oid, a.attnum) AS column_comment,
    pg_get_userbyid(c.relowner) AS table_owner
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
    AND c.relpersistence IN ('p', 'u')
    AND ({% for relation in relations -%}
        {{ 'OR ' if not loop.first }}(
            n.nspname = '{{ dbt.escape_single_quotes(relation.schema) }}'
            {%- if relation.identifier %}
            AND c.relname = '{{ dbt.escape_single_quotes(relation.identifier) }}'{% endif %}
        )
    {%- else %}false{% endfor %})
ORDER BY n.nspname, c.relname, a.attnum
{% endcall %}
{{ return(load_result('catalog').table) }}
{%- endmacro %}
{% macro postgres__get_catalog_relations(information_schema, relations) -%}
{{ return(default__get_catalog_relations(information_schema, relations)) }}
{%- endmacro %}

{% macro get_catalog(information_schema, schemas) -%}
{{ return(adapter.dispatch('get_catalog', 'dbt')(information_schema, schemas)) }}
{%- endmacro %}
{% macro default__get_catalog(information_schema, schemas) -%}
{% set relations = [] %}
{% for schema in schemas %}{% do relations.append({'schema': schema}) %}{% endfor %}
{{ return(get_catalog_relations(information_schema, relations)) }}
{%- endmacro %}
{% macro postgres__get_catalog(information_schema, schemas) -%}
{{ return(default__get_catalog(information_schema, schemas)) }}
{%- endmacro %}
