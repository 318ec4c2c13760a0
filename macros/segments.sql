{#
  Every scheme of segments, as pairs of its name and the column of customer_360 that holds it. What tells segments of all
  schemes, such as their history, goes through this list; a scheme that is not in it has no history.
#}
{% macro segment_schemes() -%}
{%- set schemes = rule_schemes() -%}
{%- do schemes.append(('persona4', 'persona')) -%}
{%- do schemes.append(('value_tier', 'value_tier')) -%}
{{ return(schemes) }}
{%- endmacro %}

{# The schemes whose segments follow from the three scores: those of the seed rfm_segment_rules, then the user's own. #}
{% macro rule_schemes() -%}
{%- set schemes = [
    ('classic11', 'segment'),
    ('rf10', 'rf_segment'),
    ('seed5', 'value_segment'),
    ('seed7', 'lifecycle_segment')
] -%}
{%- for name in own_schemes() -%}
{%- do schemes.append((name, name)) -%}
{%- endfor -%}
{{ return(schemes) }}
{%- endmacro %}

{# The user's own schemes, as the variable segment_schemes names them: each is a seed, and a column of the same name. #}
{% macro own_schemes() -%}
{%- set names = var('segment_schemes', []) -%}
{%- set taken = [
    'classic11', 'rf10', 'seed5', 'seed7', 'persona4', 'persona', 'value_tier', 'segment', 'rf_segment', 'value_segment',
    'lifecycle_segment', 'customer_id', 'rfm_segment_rules'
] -%}
{%- if names is string or names is mapping or names is not sequence -%}
{{ exceptions.raise_compiler_error('segment_schemes must be a list of names of seeds, such as ["my_scheme"]') }}
{%- endif -%}
{%- for name in names -%}
{%- if name in taken or names.count(name) > 1 -%}
{{ exceptions.raise_compiler_error('segment_schemes names "' ~ name ~ '", which is taken; give the seed another name') }}
{%- endif -%}
{%- endfor -%}
{{ return(names | list) }}
{%- endmacro %}

{# Whether a cell of a rule covers a score: `4` is that score, `3-5` a range, `*` every score. #}
{% macro covers(cell, score) -%}
CASE
                WHEN {{ cell }}::text ~ '^[1-5]$' THEN {{ cell }}::text = {{ score }}::text
                WHEN {{ cell }}::text ~ '^[1-5]-[1-5]$'
                    THEN {{ score }} BETWEEN left({{ cell }}::text, 1)::integer AND right({{ cell }}::text, 1)::integer
                ELSE {{ cell }}::text = '*'
            END
{%- endmacro %}
