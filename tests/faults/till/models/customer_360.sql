{{ config(materialized='table', indexes=[{'columns': ['customer_id'], 'unique': true}]) }}

SELECT c.customer_id, n.persona, k.cluster_id, s.recency_days, s.frequency, c.net_revenue AS monetary
FROM {{ ref('customers') }} AS c
INNER JOIN {{ ref('rfm_scores') }} AS s
    ON s.customer_id = c.customer_id
INNER JOIN {{ ref('customer_clusters') }} AS k
    ON k.customer_id = c.customer_id
INNER JOIN {{ ref('persona_names') }} AS n
    ON n.remainder = c.order_count % 4
