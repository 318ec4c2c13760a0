{#
  Score 1 to 5 from the four cut points of rfm_cut_points, equal to
  LEAST(1 + floor(5 * percent_rank() OVER (ORDER BY value from worst to best)), 5) for every customer.
  `value` counts downwards: the smaller, the better. `cuts` are ascending, of the same sign.
  width_bucket counts the cuts that are at most `value`, which is how many scores were not reached:
  a value that equals a cut has not beaten it, so equal values get equal scores.
#}
{% macro score(value, cuts) -%}
(5 - width_bucket(({{ value }})::float8, {{ cuts }}))::smallint
{%- endmacro %}
