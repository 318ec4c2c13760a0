{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}, {'columns': ['segment']}], tags=['marts', 'rfm']) }}

-- One column a scheme. Each scheme has one row a cell in segment_rules, so no customer is in two segments or in none.
{%- set schemes = rule_schemes() %}
WITH cells AS (
    SELECT
        w.rfm_code,
        {%- for scheme, column in schemes %}
        max(w.segment) FILTER (WHERE w.scheme = '{{ scheme }}') AS {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    FROM {{ ref('segment_rules') }} AS w
    GROUP BY w.rfm_code
)
SELECT
    s.customer_id,
    c.segment,
    c.rf_segment,
    c.value_segment,
    s.rfm_code,
    s.recency_days,
    s.frequency,
    s.monetary,
    s.id_is_synthetic,
    {%- for scheme, column in schemes if column not in ['segment', 'rf_segment', 'value_segment'] %}
    c.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
FROM {{ ref('rfm_scores') }} AS s
LEFT JOIN cells AS c
    ON c.rfm_code = s.rfm_code
