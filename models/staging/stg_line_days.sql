{{ config(materialized='table', access='private', distributed_by='order_date', refresh='keys', line_key=day_of('o.ordered_at'), tags=['staging', 'quality']) }}

{%- set ranged = ['timestamptz', 'text', 'numeric'] %}

-- Lines of each source and day, counted by what is odd about them, and what each column holds. A day's lines change when some of them
-- are new, so that the days before are taken over from one run to the next.
WITH instants AS (
    SELECT
        i.source,
        i.order_date,
        count(*) AS instant_count
    FROM (
        SELECT
            o.source,
            o.order_date,
            o.ordered_at
        FROM {{ ref('stg_lines') }} AS o
        GROUP BY o.source, o.order_date, o.ordered_at
    ) AS i
    GROUP BY i.source, i.order_date
),
counts AS (
    SELECT
        o.source,
        o.order_date,
        count(*) AS line_count,
        count(*) FILTER (WHERE o.customer_id IS NULL OR o.customer_id = '') AS without_customer,
        count(*) FILTER (WHERE o.id_is_synthetic) AS synthetic_customer,
        count(*) FILTER (WHERE o.quantity < 0) AS returned,
        count(*) FILTER (WHERE o.quantity = 0) AS zero_quantity,
        count(*) FILTER (WHERE o.unit_price = 0) AS zero_price,
        count(*) FILTER (WHERE o.unit_price < 0) AS negative_price,
        count(*) FILTER (WHERE o.discount < 0 OR o.discount > 1) AS discount_out_of_range,
        count(*) FILTER (WHERE o.unit_cost IS NOT NULL AND o.unit_cost > o.unit_price * (1 - o.discount)) AS sold_below_cost
        {%- for name, kind in line_columns() %},
        count(o.{{ name }}) AS {{ name }}_filled
        {%- if kind in ranged %},
        min(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_min,
        max(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_max
        {%- endif %}
        {%- endfor %}
    FROM {{ ref('stg_lines') }} AS o
    GROUP BY o.source, o.order_date
)
SELECT
    c.*,
    i.instant_count
FROM counts AS c
INNER JOIN instants AS i
    ON i.source = c.source
    AND i.order_date = c.order_date
