{{ config(materialized='table', max_row_loss_share=1.0, replicated=true, tags=['marts', 'rfm']) }}

-- The least value of each tier: that of the n-th best customer, n = ceil(share x customers), so that ties go up together.
-- Half a place is taken off before dividing, so that percentile_disc cannot land on the next place by a rounding error.
{%- set tiers = value_tier_shares() %}
WITH tier_values AS (
    {{ tier_values() }}
),
population AS (
    SELECT count(v.value) AS customers
    FROM tier_values AS v
),
places AS (
    SELECT
        p.customers,
        ARRAY[
            {%- for _, share in tiers %}
            ceil({{ share }} * p.customers)::bigint{{ ',' if not loop.last }}
            {%- endfor %}
        ] AS places
    FROM population AS p
    -- Nobody with a value: no cut points, and no tiers.
    WHERE p.customers > 0
),
cuts AS (
    SELECT
        p.customers,
        p.places,
        c.cut_points
    FROM places AS p
    CROSS JOIN LATERAL (
        SELECT
            percentile_disc(ARRAY[
                {%- for _ in tiers %}
                (p.places[{{ loop.index }}] - 0.5::float8) / p.customers{{ ',' if not loop.last }}
                {%- endfor %}
            ]) WITHIN GROUP (ORDER BY v.value::float8 DESC) AS cut_points
        FROM tier_values AS v
        WHERE v.value IS NOT NULL
    ) AS c
)
SELECT
    t.value_tier,
    t.share::float8 AS top_share,
    k.places[t.tier_rank]::integer AS places,
    k.cut_points[t.tier_rank] AS cut_point,
    '{{ value_tier_basis() }}'::text AS basis
FROM cuts AS k
CROSS JOIN (
    VALUES
    {%- for name, share in tiers %}
        ({{ loop.index }}, '{{ name }}', {{ share }}){{ ',' if not loop.last }}
    {%- endfor %}
) AS t (tier_rank, value_tier, share)
