{#
  First day of a period, from its number in stg_calendar. `grain` is week, month or quarter; weeks begin on Monday (ISO 8601).
#}
{% macro period_start(grain, number) -%}
{%- if grain == 'week' -%}
(DATE '0001-01-01' + 7 * ({{ number }}))
{%- elif grain == 'month' -%}
make_date((({{ number }}) / 12)::integer, (({{ number }}) % 12 + 1)::integer, 1)
{%- elif grain == 'quarter' -%}
make_date((({{ number }}) / 4)::integer, (3 * (({{ number }}) % 4) + 1)::integer, 1)
{%- else -%}
{{ exceptions.raise_compiler_error('"' ~ grain ~ '" is no grain; known: week, month, quarter') }}
{%- endif -%}
{%- endmacro %}

{#
  Whole months from the day `start` to the day `day`, both rows of stg_calendar. A month is over on the same day of the next one, and where
  that one is too short, on its last day: as `start + n months` of PostgreSQL, so 31 January, 28 (29) February, 31 March.
#}
{% macro months_since(start, day) -%}
({{ day }}.month_number - {{ start }}.month_number
            - CASE WHEN {{ day }}.day_of_month < {{ start }}.day_of_month AND NOT {{ day }}.is_month_end THEN 1 ELSE 0 END)
{%- endmacro %}

{# The day that lies `n` periods after a day, by the rule of months_since. #}
{% macro anniversary(grain, day, n) -%}
{%- if grain == 'week' -%}
({{ day }} + 7 * ({{ n }}))
{%- else -%}
({{ day }}::timestamp + make_interval(months => {{ '3 * ' if grain == 'quarter' }}({{ n }})))::date
{%- endif -%}
{%- endmacro %}

{# The grains of cohorts, as the variable cohort_grains names them. #}
{% macro cohort_grains() -%}
{%- set known = ['week', 'month', 'quarter'] -%}
{%- for grain in var('cohort_grains', known) if grain not in known -%}
{{ exceptions.raise_compiler_error('cohort_grains names "' ~ grain ~ '", which is no grain; known: ' ~ known | join(', ')) }}
{%- endfor -%}
{{ return(var('cohort_grains', known)) }}
{%- endmacro %}

{# The dimensions of cohorts beside all, as the variable cohort_dimensions names them. #}
{% macro cohort_dimensions() -%}
{%- set known = ['channel', 'category', 'campaign', 'country'] -%}
{%- for dimension in var('cohort_dimensions', known) if dimension not in known -%}
{{ exceptions.raise_compiler_error('cohort_dimensions names "' ~ dimension ~ '", which is no dimension; known: ' ~ known | join(', ')) }}
{%- endfor -%}
{{ return(var('cohort_dimensions', known)) }}
{%- endmacro %}

{# The kinds of periods in which orders are counted: each grain by the calendar and by anniversaries. #}
{% macro cohort_kinds() -%}
{{ return(['week', 'month', 'quarter', 'anniversary_week', 'anniversary_month', 'anniversary_quarter']) }}
{%- endmacro %}
