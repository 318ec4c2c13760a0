{#
  Customers scored by the cut points of a relation such as rfm_cut_points: customer_id, id_is_synthetic, the measures and
  r_score, f_score, m_score.
#}

{#
  The cut points of all customers as one row of arrays, in the order and sign in which score() takes them, with the day from
  which recency counts: the day of an instant is an expression that the planner would compute for every customer.
#}
{% macro cut_point_arrays(cut_points) -%}
SELECT
            array_agg(p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'recency_days') AS recency_days,
            array_agg(-p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'frequency') AS frequency,
            array_agg(-p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'monetary') AS monetary,
            {{ last_day(as_of) }} AS last_day
        FROM {{ cut_points }} AS p
        WHERE p.r_score IS NULL
{%- endmacro %}

{# Each measure scored for itself. #}
{% macro plain_scores(cut_points) -%}
WITH cuts AS (
        {{ cut_point_arrays(cut_points) }}
    )
    SELECT
        c.customer_id,
        c.id_is_synthetic,
        k.last_day - c.last_order_date AS recency_days,
        c.order_count AS frequency,
        c.net_revenue AS monetary,
        {{ score('k.last_day - c.last_order_date', 'k.recency_days') }} AS r_score,
        {{ score('-c.order_count', 'k.frequency') }} AS f_score,
        {{ score('-' ~ scored_money('c') ~ '::float8', 'k.monetary') }} AS m_score
    FROM {{ ref('customers') }} AS c
    CROSS JOIN cuts AS k
{%- endmacro %}

{#
  Frequency scored among customers of the same recency score, monetary among those of the same two scores. Without cut
  points of such cells it gives the same as plain_scores.
#}
{% macro nested_scores(cut_points) -%}
WITH cuts AS (
        {{ cut_point_arrays(cut_points) }}
    ),
    nested_cuts AS (
        SELECT
            p.measure,
            p.r_score,
            p.f_score,
            array_agg(-p.cut_point ORDER BY p.score DESC) AS cut_points
        FROM {{ cut_points }} AS p
        WHERE p.r_score IS NOT NULL
        GROUP BY p.measure, p.r_score, p.f_score
    ),
    r_scored AS (
        SELECT
            c.customer_id,
            c.id_is_synthetic,
            k.last_day - c.last_order_date AS recency_days,
            c.order_count AS frequency,
            c.net_revenue AS monetary,
            {{ scored_money('c') }} AS scored_money,
            {{ score('k.last_day - c.last_order_date', 'k.recency_days') }} AS r_score
        FROM {{ ref('customers') }} AS c
        CROSS JOIN cuts AS k
    ),
    f_scored AS (
        SELECT
            r.*,
            {{ score('-r.frequency', 'COALESCE(n.cut_points, k.frequency)') }} AS f_score
        FROM r_scored AS r
        CROSS JOIN cuts AS k
        LEFT JOIN nested_cuts AS n
            ON n.measure = 'frequency'
            AND n.r_score = r.r_score
    )
    SELECT
        f.customer_id,
        f.id_is_synthetic,
        f.recency_days,
        f.frequency,
        f.monetary,
        f.r_score,
        f.f_score,
        {{ score('-f.scored_money::float8', 'COALESCE(n.cut_points, k.monetary)') }} AS m_score
    FROM f_scored AS f
    CROSS JOIN cuts AS k
    LEFT JOIN nested_cuts AS n
        ON n.measure = 'monetary'
        AND n.r_score = f.r_score
        AND n.f_score = f.f_score
{%- endmacro %}
