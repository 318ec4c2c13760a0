{{ config(materialized='history', tags=['history']) }}

-- How many went from where to where since the run before, with those who stayed: the matrix of each run and scheme.
-- Customers are counted once by all their segments, old and new, and only these few sums are taken apart by scheme.
WITH told AS (
    {{ told_segments() }}
),
pairs AS (
    SELECT
        {%- for scheme, column in segment_schemes() %}
        t.{{ column }} AS {{ column }}_from,
        n.{{ column }}::text AS {{ column }}_to,
        {%- endfor %}
        count(*) AS customer_count,
        sum(COALESCE(n.monetary, t.monetary)::numeric(20, 4)) AS revenue
    FROM {{ ref('customer_360') }} AS n
    FULL JOIN told AS t
        ON t.customer_id = n.customer_id
    GROUP BY
        {%- for scheme, column in segment_schemes() %}
        t.{{ column }},
        n.{{ column }}::text{{ ',' if not loop.last }}
        {%- endfor %}
)
SELECT
    m.scheme,
    m.from_segment,
    m.to_segment,
    sum(p.customer_count)::bigint AS customer_count,
    sum(p.revenue)::numeric(20, 4) AS revenue
FROM pairs AS p
CROSS JOIN LATERAL (
    VALUES
        {%- for scheme, column in segment_schemes() %}
        ('{{ scheme }}', p.{{ column }}_from, p.{{ column }}_to){{ ',' if not loop.last }}
        {%- endfor %}
) AS m (scheme, from_segment, to_segment)
WHERE m.from_segment IS NOT NULL
    OR m.to_segment IS NOT NULL
GROUP BY m.scheme, m.from_segment, m.to_segment
