{# Arithmetic on dates and timestamps inside SQL. #}

{% macro date(year, month, day) %}{{ return(adapter.dispatch('date', 'dbt')(year, month, day)) }}{% endmacro %}

{# Through Python's date, so that the 31st of February is an error of the template and not of the server. #}
{% macro default__date(year, month, day) -%}
to_date('{{ modules.datetime.date(year, month, day).strftime('%Y-%m-%d') }}', 'YYYY-MM-DD')
{%- endmacro %}

{% macro date_trunc(datepart, date) %}{{ return(adapter.dispatch('date_trunc', 'dbt')(datepart, date)) }}{% endmacro %}
{% macro default__date_trunc(datepart, date) -%}
date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}

{% macro dateadd(datepart, interval, from_date_or_timestamp) -%}
{{ return(adapter.dispatch('dateadd', 'dbt')(datepart, interval, from_date_or_timestamp)) }}
{%- endmacro %}
{% macro default__dateadd(datepart, interval, from_date_or_timestamp) -%}
dateadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{# The number multiplies the interval, because it may be an expression over columns. #}
{% macro postgres__dateadd(datepart, interval, from_date_or_timestamp) -%}
{{ from_date_or_timestamp }} + ((interval '1 {{ datepart }}') * ({{ interval }}))
{%- endmacro %}

{% macro datediff(first_date, second_date, datepart) -%}
{{ return(adapter.dispatch('datediff', 'dbt')(first_date, second_date, datepart)) }}
{%- endmacro %}
{% macro default__datediff(first_date, second_date, datepart) -%}
datediff({{ datepart }}, {{ first_date }}, {{ second_date }})
{%- endmacro %}

{#
  Boundaries crossed, not time gone by: 23:59 to 00:01 is one day. Every unit is a larger one times its factor plus
  the difference of the fields, and the types are those of date_part: double precision, but integer for days and weeks.
#}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
{% set first = '(' ~ first_date ~ ')' %}
{% set second = '(' ~ second_date ~ ')' %}
{% if datepart == 'year' -%}
(date_part('year', {{ second }}::date) - date_part('year', {{ first }}::date))
{%- elif datepart in ('quarter', 'month') -%}
({{ dbt.datediff(first_date, second_date, 'year') }} * {{ 4 if datepart == 'quarter' else 12 }}
    + date_part('{{ datepart }}', {{ second }}::date) - date_part('{{ datepart }}', {{ first }}::date))
{%- elif datepart == 'day' -%}
({{ second }}::date - {{ first }}::date)
{%- elif datepart == 'week' -%}
{# Weeks begin on Sunday: to the whole ones comes one more, or one less backwards, if a Sunday lies in the rest. #}
({{ dbt.datediff(first_date, second_date, 'day') }} / 7 + CASE
    WHEN date_part('dow', {{ first }}::timestamp) <= date_part('dow', {{ second }}::timestamp)
        THEN CASE WHEN {{ first_date }} <= {{ second_date }} THEN 0 ELSE -1 END
    ELSE CASE WHEN {{ first_date }} <= {{ second_date }} THEN 1 ELSE 0 END
END)
{%- elif datepart in ('hour', 'minute') -%}
{% set larger, factor = ('day', 24) if datepart == 'hour' else ('hour', 60) -%}
({{ dbt.datediff(first_date, second_date, larger) }} * {{ factor }}
    + date_part('{{ datepart }}', {{ second }}::timestamp) - date_part('{{ datepart }}', {{ first }}::timestamp))
{%- elif datepart in ('second', 'millisecond', 'microsecond') -%}
{# These three fields hold the seconds of the minute with all that is below, so all of them start from minutes. #}
{% set per_minute = {'second': 60, 'millisecond': 60000, 'microsecond': 60000000}[datepart] -%}
({{ dbt.datediff(first_date, second_date, 'minute') }} * {{ per_minute }}
    + floor(date_part('{{ datepart }}', {{ second }}::timestamp))
    - floor(date_part('{{ datepart }}', {{ first }}::timestamp)))
{%- else -%}
{{ exceptions.raise_compiler_error('datediff does not know the unit "' ~ datepart
    ~ '"; use year, quarter, month, week, day, hour, minute, second, millisecond or microsecond') }}
{%- endif %}
{%- endmacro %}

{% macro last_day(date, datepart) %}{{ return(adapter.dispatch('last_day', 'dbt')(date, datepart)) }}{% endmacro %}
{% macro default__last_day(date, datepart) %}{{ return(dbt.default_last_day(date, datepart)) }}{% endmacro %}
{% macro default_last_day(date, datepart) -%}
cast({{ dbt.dateadd('day', '-1', dbt.dateadd(datepart, '1', dbt.date_trunc(datepart, date))) }} AS date)
{%- endmacro %}

{# PostgreSQL has no interval of a quarter, only of its three months. #}
{% macro postgres__last_day(date, datepart) -%}
{% if datepart == 'quarter' -%}
cast({{ dbt.dateadd('day', '-1', dbt.dateadd('month', '3', dbt.date_trunc(datepart, date))) }} AS date)
{%- else -%}
{{ dbt.default_last_day(date, datepart) }}
{%- endif %}
{%- endmacro %}
