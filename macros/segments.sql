{#
  Every scheme of segments, as pairs of its name and the column of customer_360 that holds it. What tells segments of all
  schemes, such as their history, goes through this list; a scheme that is not in it has no history.
#}
{% macro segment_schemes() -%}
{{ return([
    ('classic11', 'segment'),
    ('rf10', 'rf_segment'),
    ('seed5', 'value_segment'),
    ('persona4', 'persona')
]) }}
{%- endmacro %}
