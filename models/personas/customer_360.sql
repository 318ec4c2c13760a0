{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}, {'columns': ['persona', 'predicted_ltv']}, {'columns': ['segment']}], tags=['personas']) }}

SELECT
    c.customer_id,
    g.persona,
    k.persona_confidence,
    COALESCE(n.action, b.action) AS next_best_action,
    COALESCE(n.channel, b.channel) AS next_best_channel,
    r.segment,
    r.rf_segment,
    r.value_segment,
    k.cluster_id,
    s.recency_days,
    s.frequency,
    s.monetary,
    s.r_score,
    s.f_score,
    s.m_score,
    s.rfm_code,
    s.rfm_sum,
    c.first_order_date,
    c.last_order_date,
    c.return_count,
    c.returned_revenue,
    c.average_order_value,
    c.profit,
    l.predicted_ltv,
    l.predicted_purchases,
    l.expected_order_value,
    l.probability_alive,
    l.purchase_probability_30d,
    l.purchase_probability_90d,
    l.purchase_probability_180d,
    (1::float8 - l.purchase_probability_90d) AS churn_probability_90d,
    l.is_dropout_identified,
    c.country,
    c.currency,
    c.id_is_synthetic,
    r.lifecycle_segment,
    v.value_tier,
    s.weighted_score
    {%- for name in own_schemes() %},
    r.{{ name }}
    {%- endfor %}
FROM {{ ref('customers') }} AS c
INNER JOIN {{ ref('rfm_scores') }} AS s
    ON s.customer_id = c.customer_id
LEFT JOIN {{ ref('rfm_segments') }} AS r
    ON r.customer_id = c.customer_id
LEFT JOIN {{ ref('customer_clusters') }} AS k
    ON k.customer_id = c.customer_id
LEFT JOIN {{ ref('cluster_personas') }} AS g
    ON g.cluster_id = k.cluster_id
LEFT JOIN {{ ref('persona_playbook') }} AS b
    ON b.persona = g.persona
LEFT JOIN {{ ref('customer_ltv') }} AS l
    ON l.customer_id = c.customer_id
LEFT JOIN {{ ref('value_tiers') }} AS v
    ON v.customer_id = c.customer_id
-- Who was dear and is likely to stay away gets more than the plan of his persona, where the seed has something.
LEFT JOIN {{ ref('next_best_actions') }} AS n
    ON n.persona = g.persona
    AND n.is_valuable = COALESCE(s.m_score >= 4, false)
    AND n.is_leaving = COALESCE(l.purchase_probability_90d < {{ var('leaving_probability', 0.5) }}::float8, false)
