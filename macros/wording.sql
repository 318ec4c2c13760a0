{# Text of a number with thousands separated: 12,345. #}
{% macro in_words(number) -%}
to_char(round(({{ number }})::numeric), 'FM999,999,999,999,990')
{%- endmacro %}

{# Text of a share as a percentage with one decimal: 0.1234 is 12.3%. #}
{% macro in_percent(share) -%}
(to_char(round(100 * ({{ share }})::numeric, 1), 'FM999,990.0') || '%')
{%- endmacro %}

{# Text of an amount of money: GBP 12,345; only the number where customers have different currencies. #}
{% macro in_money(amount, currency) -%}
(COALESCE({{ currency }} || ' ', '') || {{ in_words(amount) }})
{%- endmacro %}

{# A whole count with its noun: 1 customer, 1,634 customers. #}
{% macro in_count(number, noun) -%}
({{ in_words(number) }} || CASE WHEN {{ number }} = 1 THEN ' {{ noun }}' ELSE ' {{ noun }}s' END)
{%- endmacro %}

{# A mean count with its noun: 1.0 order, 2.3 orders, 14 orders; one decimal below ten, none from there on. #}
{% macro in_times(number, noun) -%}
(to_char(({{ number }})::numeric, CASE WHEN round(({{ number }})::numeric, 1) < 10 THEN 'FM990.0' ELSE 'FM999,999,990' END)
                || CASE WHEN round(({{ number }})::numeric, 1) = 1 THEN ' {{ noun }}' ELSE ' {{ noun }}s' END)
{%- endmacro %}

{# Text of any figure, for reading and not for reckoning: one decimal below a thousand, none from there on. #}
{% macro in_figures(number) -%}
to_char(({{ number }})::numeric, CASE WHEN abs(({{ number }})::numeric) < 999.95 THEN 'FM990.0' ELSE 'FM999,999,999,999,990' END)
{%- endmacro %}
