{# What surrounds a test's query: the filter before it, the verdict after it, and the two sides of a unit test. #}

{# What a generic test gets as `model`: the relation, or the rows of it that the test's `where` leaves. #}
{% macro get_where_subquery(relation) -%}
{{ return(adapter.dispatch('get_where_subquery', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_where_subquery(relation) -%}
{% set where = config.get('where', '') %}
{{ return('(SELECT * FROM ' ~ relation ~ ' WHERE ' ~ where ~ ') dbt_subquery' if where else relation) }}
{%- endmacro %}

{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
{{ adapter.dispatch('get_test_sql', 'dbt')(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}

{# The server compares, because fail_calc may be any aggregate, of any type. #}
{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
SELECT
    {{ fail_calc }} AS failures,
    {{ fail_calc }} {{ warn_if }} AS should_warn,
    {{ fail_calc }} {{ error_if }} AS should_error
FROM (
    {{ main_sql }}
    {{ 'LIMIT ' ~ limit if limit is not none }}
) dbt_internal_test
{%- endmacro %}

{# The first name is taken up by expectations without rows, which get their columns from it. #}
{% macro get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
{{ adapter.dispatch('get_unit_test_sql', 'dbt')(main_sql, expected_fixture_sql, expected_column_names) }}
{%- endmacro %}
{% macro default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
{% set columns = expected_column_names | join(', ') %}
{% set side = adapter.quote('actual_or_expected') %}
WITH dbt_internal_unit_test_actual AS (
    SELECT {{ columns }}, {{ dbt.string_literal('actual') }} AS {{ side }}
    FROM (
        {{ main_sql }}
    ) AS unit_test_actual
),
dbt_internal_unit_test_expected AS (
    SELECT {{ columns }}, {{ dbt.string_literal('expected') }} AS {{ side }}
    FROM (
        {{ expected_fixture_sql }}
    ) AS unit_test_expected
)
SELECT * FROM dbt_internal_unit_test_actual
UNION ALL
SELECT * FROM dbt_internal_unit_test_expected
{%- endmacro %}

{% macro get_limit_subquery_sql(sql, limit) -%}
{{ adapter.dispatch('get_limit_sql', 'dbt')(sql, limit) }}
{%- endmacro %}
{% macro default__get_limit_sql(sql, limit) %}
{{ sql }}
{{ 'LIMIT ' ~ limit if limit is not none }}
{% endmacro %}

{% macro get_show_sql(compiled_code, sql_header, limit) -%}
{{ sql_header if sql_header is not none }}
{{ get_limit_subquery_sql(compiled_code, limit) }}
{%- endmacro %}

{% macro validate_sql(sql) %}{{ return(adapter.dispatch('validate_sql', 'dbt')(sql)) }}{% endmacro %}
{% macro default__validate_sql(sql) -%}
{% call statement('validate_sql') %}EXPLAIN {{ sql }}{% endcall %}
{{ return(load_result('validate_sql')) }}
{%- endmacro %}
