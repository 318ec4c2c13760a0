{{ config(materialized='view', tags=['personas']) }}

-- All schemes side by side, one row a customer and scheme; customer_360 has the same in one row a customer.
SELECT
    c.customer_id,
    s.scheme,
    s.segment,
    c.monetary,
    c.currency,
    c.id_is_synthetic
FROM {{ ref('customer_360') }} AS c
CROSS JOIN LATERAL (
    VALUES
    {%- for scheme, column in segment_schemes() %}
        ('{{ scheme }}', c.{{ column }}){{ ',' if not loop.last }}
    {%- endfor %}
) AS s (scheme, segment)
