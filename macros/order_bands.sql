{# Where the bands of purchase_patterns begin. They are fixed, so that two runs and two shops can be compared; amounts go by 1, 2, 5. #}
{% macro order_line_bands() -%}
{{ return([1, 2, 3, 4, 5, 6, 11, 21, 51]) }}
{%- endmacro %}

{# The same for the value of an order. #}
{% macro order_value_bands() -%}
{%- set bands = [] -%}
{%- for power in range(0, 10) -%}{%- for step in [1, 2, 5] -%}{%- do bands.append(step * 10 ** power) -%}{%- endfor -%}{%- endfor -%}
{{ return(bands) }}
{%- endmacro %}

{# The same for the days between two orders. #}
{% macro order_gap_bands() -%}
{{ return([0, 1, 8, 15, 31, 61, 91, 181, 366]) }}
{%- endmacro %}
