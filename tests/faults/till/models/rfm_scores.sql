{{ config(materialized='table', indexes=[{'columns': ['customer_id'], 'unique': true}]) }}

-- Reads the source by itself, beside customers: a run that looks at its sources at two times would show it.
SELECT
    o.customer_id,
    {{ as_of }}::date - max(o.ordered_at)::date AS recency_days,
    count(*) AS frequency,
    sum(o.quantity * o.unit_price) AS monetary
FROM {{ source('raw', 'orders') }} AS o
WHERE o.ordered_at < {{ as_of }}
GROUP BY o.customer_id
