{#
  One row an order from a relation of lines. Money is summed as float8, because sums of numeric over
  millions of groups take several times the memory; customer_orders rounds it back to exact decimals.
#}
{% macro order_headers(lines, is_return) -%}
SELECT
        l.customer_id,
        l.source,
        l.order_id,
        {{ is_return }} AS is_return,
        min(l.ordered_at) AS ordered_at,
        count(*)::integer AS line_count,
        sum(l.quantity::float8) AS unit_count,
        sum(l.revenue::float8) AS revenue,
        sum((l.revenue - l.cost)::float8) AS profit,
        max(l.channel) AS channel,
        max(l.country) AS country,
        max(l.currency) AS currency,
        bool_or(l.id_is_synthetic) AS id_is_synthetic
    FROM {{ lines }} AS l
    GROUP BY l.customer_id, l.source, l.order_id
{%- endmacro %}
