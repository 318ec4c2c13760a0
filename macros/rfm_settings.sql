{# How cut points are found, as the variable rfm_method says: quintile, nested, breaks or log_width. #}
{% macro rfm_method() -%}
{%- set method = var('rfm_method', 'quintile') -%}
{%- if method not in ['quintile', 'nested', 'breaks', 'log_width'] -%}
{{ exceptions.raise_compiler_error('rfm_method is "' ~ method ~ '", which is no method; known: quintile, nested, breaks, log_width') }}
{%- endif -%}
{{ return(method) }}
{%- endmacro %}

{# What the monetary score is made from, as the variable rfm_monetary says: revenue or profit. #}
{% macro rfm_monetary() -%}
{%- set basis = var('rfm_monetary', 'revenue') -%}
{%- if basis not in ['revenue', 'profit'] -%}
{{ exceptions.raise_compiler_error('rfm_monetary is "' ~ basis ~ '", which is no basis; known: revenue, profit') }}
{%- endif -%}
{{ return(basis) }}
{%- endmacro %}

{# The column of customers that the monetary score is made from. #}
{% macro scored_money(alias) -%}
{{ alias }}.{{ 'profit' if rfm_monetary() == 'profit' else 'net_revenue' }}
{%- endmacro %}

{# The run whose cut points are used again; none where each run fits its own. #}
{% macro rfm_frozen_run() -%}
{%- set breaks = var('rfm_breaks', 'refit') -%}
{%- set run = var('rfm_frozen_run', none) -%}
{%- if breaks not in ['refit', 'frozen'] -%}
{{ exceptions.raise_compiler_error('rfm_breaks is "' ~ breaks ~ '", which is unknown; known: refit, frozen') }}
{%- elif breaks == 'frozen' and rfm_method() == 'breaks' -%}
{{ exceptions.raise_compiler_error('rfm_breaks = "frozen" means nothing with rfm_method = "breaks", whose cut points never move; remove one of them') }}
{%- elif breaks == 'frozen' and (run is not integer or run < 1) -%}
{{ exceptions.raise_compiler_error('rfm_breaks = "frozen" needs the number of a run; set rfm_frozen_run to a run_id that rfm_cut_points has shown') }}
{%- elif breaks == 'refit' and run is not none -%}
{{ exceptions.raise_compiler_error('rfm_frozen_run is set, but rfm_breaks is "refit"; set rfm_breaks = "frozen", or remove rfm_frozen_run') }}
{%- endif -%}
{{ return(run if breaks == 'frozen' else none) }}
{%- endmacro %}

{#
  The fixed cut points of the method `breaks`: a map with four numbers for each measure, from the worst to the best. A
  score is reached by being strictly better than its cut point.
#}
{% macro rfm_break_points() -%}
{%- set points = var('rfm_break_points', {}) -%}
{%- for measure in ['recency_days', 'frequency', 'monetary'] -%}
{%- set numbers = points.get(measure, []) -%}
{%- if numbers is string or numbers is number or numbers | length != 4 or numbers | select('number') | list | length != 4 -%}
{{ exceptions.raise_compiler_error('rfm_break_points.' ~ measure ~ ' must be four numbers, from the worst to the best') }}
{%- endif -%}
{%- for number in numbers -%}
{%- if not loop.first -%}
{%- set worse = numbers[loop.index0 - 1] -%}
{%- set is_better = number < worse if measure == 'recency_days' else number > worse -%}
{%- if not is_better -%}
{{ exceptions.raise_compiler_error('rfm_break_points.' ~ measure ~ ' goes from ' ~ worse ~ ' to ' ~ number ~ ', which is not better; give the worst first' ~ (', the most days' if measure == 'recency_days' else '')) }}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{{ return(points) }}
{%- endmacro %}

{# The weights of weighted_score in ten-thousandths, whole numbers so that equal scores give equal sums: r, f, m. #}
{% macro rfm_weights() -%}
{%- set weights = var('rfm_weights', {'r': 0.5, 'f': 0.3, 'm': 0.2}) -%}
{%- set parts = [] -%}
{%- for name in ['r', 'f', 'm'] -%}
{%- set weight = weights.get(name, -1) -%}
{%- if weight is not number or weight < 0 or weight > 1 -%}
{{ exceptions.raise_compiler_error('rfm_weights.' ~ name ~ ' must be a number from 0 to 1') }}
{%- endif -%}
{%- do parts.append((weight * 10000) | round | int) -%}
{%- endfor -%}
{%- if parts | sum != 10000 -%}
{{ exceptions.raise_compiler_error('rfm_weights add up to ' ~ (parts | sum) / 10000 ~ '; they must add up to 1') }}
{%- endif -%}
{{ return(parts) }}
{%- endmacro %}
