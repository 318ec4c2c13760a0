{#
  Complementary error function, which PostgreSQL has from version 16 on only: the rational Chebyshev approximation of
  Press, Teukolsky, Vetterling and Flannery, Numerical Recipes in C (2nd ed. 1992), section 6.2, with a relative error
  below 1.2e-7 everywhere. That it is relative matters: the one of Abramowitz and Stegun (7.1.26) has an absolute error of
  1.5e-7, which is larger than the small p-values themselves. Beyond 26, where exp() would underflow, it is that of 26.
#}
{% macro erfc(x) -%}
(
        SELECT CASE WHEN e.x < 0 THEN 2 - e.tail ELSE e.tail END
        FROM (
            SELECT
                b.x,
                b.t * exp(-b.z * b.z - 1.26551223::float8 + b.t * (1.00002368::float8 + b.t * (0.37409196::float8
                    + b.t * (0.09678418::float8 + b.t * (-0.18628806::float8 + b.t * (0.27886807::float8 + b.t * (-1.13520398::float8
                    + b.t * (1.48851587::float8 + b.t * (-0.82215223::float8 + b.t * 0.17087277::float8))))))))) AS tail
            FROM (
                SELECT
                    a.x,
                    LEAST(abs(a.x), 26) AS z,
                    1 / (1 + LEAST(abs(a.x), 26) / 2) AS t
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
(({{ t }}) * (1 - 1 / (4 * ({{ freedom }}))) / sqrt(1 + ({{ t }}) * ({{ t }}) / (2 * ({{ freedom }}))))
{%- endmacro %}

{# Variance of a sample from how many there are, their sum and the sum of their squares, all numeric: exact, then float8. Null for one. #}
{% macro sample_variance(n, total, squares) -%}
((({{ squares }}) - ({{ total }}) * ({{ total }}) / NULLIF({{ n }}, 0)::numeric) / NULLIF(({{ n }}) - 1, 0)::numeric)::float8
{%- endmacro %}
