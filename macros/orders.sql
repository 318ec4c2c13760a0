{#
  One row an order from a relation of lines. Money is summed as float8, because sums of numeric over
  millions of groups take several times the memory; customer_orders rounds it back to exact decimals.

  largest_line is the category of the line with the greatest amount, behind that amount in hundredths as 16 digits, because max()
  takes texts and no pairs. Of equal amounts the greater name counts. Lines without a category cost nothing.
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
        bool_or(l.id_is_synthetic) AS id_is_synthetic,
        max(
            CASE WHEN l.category <> '' THEN
                lpad(to_hex(LEAST(abs(l.quantity::float8 * l.unit_price::float8 * (1 - l.discount::float8)) * 100, 9e18::float8)::bigint), 16, '0')
                || l.category
            END COLLATE "C"
        ) AS largest_line
    FROM {{ lines }} AS l
    GROUP BY l.customer_id, l.source, l.order_id
{%- endmacro %}
