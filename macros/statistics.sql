{#
  Complementary error function, which PostgreSQL has from version 16 on only. Near 0 it is 1 less the series of Abramowitz
  and Stegun (1964, formula 7.1.6), from 2.5 on their continued fraction (7.1.14), which keeps the relative error small far
  out, where p-values lie. Both are written out, innermost last. Beyond 26, where exp() would underflow, it is that of 26.
#}
{% macro erfc(x) -%}
{%- set terms = 50 -%}
(
        SELECT CASE WHEN e.x < 0 THEN 2 - e.tail ELSE e.tail END
        FROM (
            SELECT
                b.x,
                CASE
                    WHEN b.z < 2.5::float8 THEN 1 - 2 / sqrt(pi()) * b.z * exp(-b.z * b.z) * (
                        {% for n in range(1, terms) %}1 + 2 * b.z * b.z / {{ 2 * n + 1 }} * ({% endfor %}1{% for n in range(1, terms) %}){% endfor %})
                    ELSE exp(-b.z * b.z) / sqrt(pi()) / (
                        {% for n in range(1, terms) %}b.z + {{ n / 2 }}::float8 / ({% endfor %}b.z{% for n in range(1, terms) %}){% endfor %})
                END AS tail
            FROM (
                SELECT
                    a.x,
                    LEAST(abs(a.x), 26) AS z
                FROM (SELECT ({{ x }})::float8 AS x) AS a
            ) AS b
        ) AS e
    )
{%- endmacro %}

{# Probability that a standard normal variable is above z. #}
{% macro p_above(z) -%}
(0.5::float8 * {{ erfc('(' ~ z ~ ') / sqrt(2::float8)') }})
{%- endmacro %}

{# Probability that a standard normal variable is further from 0 than z, on either side. #}
{% macro p_beyond(z) -%}
{{ erfc('abs(' ~ z ~ ') / sqrt(2::float8)') }}
{%- endmacro %}

{#
  The standard normal value that is about as far out as Student's t with so many degrees of freedom
  (Abramowitz and Stegun 1964, formula 26.7.8).
#}
{% macro z_of_t(t, freedom) -%}
(({{ t }}) * (1 - 1 / (4::float8 * ({{ freedom }}))) / sqrt(1 + ({{ t }}) * ({{ t }}) / (2::float8 * ({{ freedom }}))))
{%- endmacro %}

{# Variance of a sample from how many there are, their sum and the sum of their squares, all numeric: exact, then float8. Null for one. #}
{% macro sample_variance(n, total, squares) -%}
((({{ squares }}) - ({{ total }}) * ({{ total }}) / NULLIF({{ n }}, 0)::numeric) / NULLIF(({{ n }}) - 1, 0)::numeric)::float8
{%- endmacro %}
