{# Calendar day on which an instant falls, in the time zone that the company counts its days in. #}
{% macro day_of(instant) -%}
({{ instant }} AT TIME ZONE '{{ var('timezone', 'UTC') }}')::date
{%- endmacro %}

{# Last day that the run sees: orders exist up to, not including, as_of, so midnight belongs to the day before. #}
{% macro last_day(as_of) -%}
({{ day_of('(' ~ as_of ~ " - INTERVAL '1 microsecond')") }})
{%- endmacro %}

{# First day of the month of a date; by way of timestamp, because date_trunc of a date depends on the session's time zone. #}
{% macro month_of(date) -%}
date_trunc('month', ({{ date }})::timestamp)::date
{%- endmacro %}
