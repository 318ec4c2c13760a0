{#
  Score 1 to 5 from four cut points, equal to
  LEAST(1 + floor(5 * percent_rank() OVER (ORDER BY value from worst to best)), 5) for every customer where they were fitted to fifths.
  `value` counts downwards: the smaller, the better. `cuts` are ascending, of the same sign.
  width_bucket counts the cuts that are at most `value`, which is how many scores were not reached:
  a value that equals a cut has not beaten it, so equal values get equal scores.
#}
{% macro score(value, cuts) -%}
(5 - width_bucket(({{ value }})::float8, {{ cuts }}))::smallint
{%- endmacro %}

{#
  The places of the cut points among `customers` values, counted from the worst; null below `least` customers. A customer has
  score s when at least ceil((s - 1) * (n - 1) / 5) of the n customers are strictly worse, that is, when he beats the
  customer at that place.
#}
{% macro fifths(customers, least) -%}
CASE WHEN {{ customers }} >= {{ least }}::bigint THEN ARRAY[
            {%- for part in range(1, 5) %}
            GREATEST(({{ part }} * ({{ customers }} - 1) + 4) / 5, 1){{ ',' if not loop.last }}
            {%- endfor %}
        ] END
{%- endmacro %}

{#
  The same as percentile_disc takes them. Half a place is taken off before dividing by n, so that percentile_disc cannot land
  on the next place by a rounding error.
#}
{% macro fractions(places, customers) -%}
CASE WHEN {{ places }} IS NOT NULL THEN ARRAY[
            {%- for part in range(1, 5) %}
            (({{ places }})[{{ part }}] - 0.5::float8) / {{ customers }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] END
{%- endmacro %}

{#
  The four cut points of `log_width` between the lowest and highest value: steps of equal width of ln(1 + value), with
  values below 0 as 0. They are kept within the values, so that of equal values none beats a cut by a rounding error.
  `is_downward`: for measures of which less is better the steps go down from the highest value.
#}
{% macro log_steps(lowest, highest, is_downward=false) -%}
{%- set low = 'ln(1 + GREATEST(' ~ lowest ~ ', 0))' -%}
{%- set high = 'ln(1 + GREATEST(' ~ highest ~ ', 0))' -%}
{%- set from, to = (high, low) if is_downward else (low, high) -%}
CASE WHEN {{ lowest }} IS NOT NULL THEN ARRAY[
            {%- for part in range(1, 5) %}
            LEAST(GREATEST(round((exp({{ from }} + {{ part }} * ({{ to }} - {{ from }}) / 5) - 1)::numeric, 4)::float8, {{ lowest }}), {{ highest }}){{ ',' if not loop.last }}
            {%- endfor %}
        ] END
{%- endmacro %}
