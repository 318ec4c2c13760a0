{{ config(materialized='history', distributed_by='customer_id', indexes=[{'columns': ['customer_id', 'scheme']}], tags=['history']) }}

-- Who entered or left which segment, in every scheme. Whole rows are compared first, and only those of customers who
-- changed are taken apart, so that a run in which few move costs one join. Without a segment (no scores) one is in none.
WITH told AS (
    {{ told_segments() }}
),
changed AS (
    SELECT
        COALESCE(n.customer_id, t.customer_id) AS customer_id,
        {%- for scheme, column in segment_schemes() %}
        t.{{ column }} AS {{ column }}_from,
        n.{{ column }}::text AS {{ column }}_to,
        {%- endfor %}
        -- Who is gone (erased, merged) is counted with what was known last.
        COALESCE(n.monetary, t.monetary)::numeric(20, 4) AS revenue
    FROM {{ ref('customer_360') }} AS n
    FULL JOIN told AS t
        ON t.customer_id = n.customer_id
    WHERE ROW(
        {%- for scheme, column in segment_schemes() %}n.{{ column }}::text{{ ', ' if not loop.last }}{% endfor -%}
    ) IS DISTINCT FROM ROW(
        {%- for scheme, column in segment_schemes() %}t.{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    )
)
SELECT
    c.customer_id,
    m.scheme,
    e.event,
    e.segment,
    m.from_segment,
    m.to_segment,
    c.revenue
FROM changed AS c
CROSS JOIN LATERAL (
    VALUES
        {%- for scheme, column in segment_schemes() %}
        ('{{ scheme }}', c.{{ column }}_from, c.{{ column }}_to){{ ',' if not loop.last }}
        {%- endfor %}
) AS m (scheme, from_segment, to_segment)
CROSS JOIN LATERAL (
    VALUES
        ('exit', m.from_segment),
        ('enter', m.to_segment)
) AS e (event, segment)
WHERE m.from_segment IS DISTINCT FROM m.to_segment
    AND e.segment IS NOT NULL
