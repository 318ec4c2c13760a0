{#
  Series of numbers and dates. PostgreSQL's own generate_series would do, but packages replace single pieces of this
  chain (the number of intervals, the powers of two), so the pieces have to be there.
#}

{% macro get_powers_of_two(upper_bound) -%}
{{ return(adapter.dispatch('get_powers_of_two', 'dbt')(upper_bound)) }}
{%- endmacro %}

{# How many binary digits count up to the bound; at least one. #}
{% macro default__get_powers_of_two(upper_bound) -%}
{% if upper_bound <= 0 %}{{ exceptions.raise_compiler_error('upper bound must be positive') }}{% endif %}
{% for power in range(1, 100) %}
    {% if 2 ** power >= upper_bound %}{{ return(power) }}{% endif %}
{% endfor %}
{%- endmacro %}

{# The numbers 1 to the bound in a column generated_number: one cross join a binary digit. #}
{% macro generate_series(upper_bound) -%}
{{ return(adapter.dispatch('generate_series', 'dbt')(upper_bound)) }}
{%- endmacro %}
{% macro default__generate_series(upper_bound) %}
{% set digits = dbt.get_powers_of_two(upper_bound) %}
WITH digit AS (
    SELECT 0 AS generated_number UNION ALL SELECT 1
),
numbers AS (
    SELECT
        {% for i in range(digits) %}p{{ i }}.generated_number * power(2, {{ i }}) + {% endfor %}1 AS generated_number
    FROM {% for i in range(digits) %}{{ 'CROSS JOIN ' if not loop.first }}digit AS p{{ i }} {% endfor %}
)
SELECT *
FROM numbers
WHERE generated_number <= {{ upper_bound }}
ORDER BY generated_number
{% endmacro %}

{% macro get_intervals_between(start_date, end_date, datepart) -%}
{{ return(adapter.dispatch('get_intervals_between', 'dbt')(start_date, end_date, datepart)) }}
{%- endmacro %}

{# Asked of the server, because the ends are expressions; while parsing there is no answer, and any number does. #}
{% macro default__get_intervals_between(start_date, end_date, datepart) -%}
{% call statement('get_intervals_between', fetch_result=True) %}
SELECT {{ dbt.datediff(start_date, end_date, datepart) }}
{% endcall %}
{% set answer = load_result('get_intervals_between') %}
{{ return(answer['data'][0][0] if answer and answer['data'] else 1) }}
{%- endmacro %}

{# One row a unit in a column date_<unit>, from the start up to, not including, the end. #}
{% macro date_spine(datepart, start_date, end_date) %}
{{ return(adapter.dispatch('date_spine', 'dbt')(datepart, start_date, end_date)) }}
{% endmacro %}
{% macro default__date_spine(datepart, start_date, end_date) %}
WITH numbers AS (
    {{ dbt.generate_series(dbt.get_intervals_between(start_date, end_date, datepart)) }}
),
periods AS (
    SELECT ({{ dbt.dateadd(datepart, 'row_number() OVER (ORDER BY 1) - 1', start_date) }}) AS date_{{ datepart }}
    FROM numbers
),
filtered AS (
    SELECT *
    FROM periods
    WHERE date_{{ datepart }} <= {{ end_date }}
)
SELECT * FROM filtered
{% endmacro %}
