{#
  The customers of one persona, with the columns that a campaign needs. The persona's views differ in nothing else.
#}
{% macro persona_members(customers, persona) -%}
SELECT
    c.run_id,
    c.as_of,
    c.customer_id,
    c.persona,
    c.persona_confidence,
    c.next_best_action,
    c.next_best_channel,
    c.segment,
    c.recency_days,
    c.frequency,
    c.monetary,
    c.r_score,
    c.f_score,
    c.m_score,
    c.rfm_code,
    c.last_order_date,
    c.average_order_value,
    c.predicted_ltv,
    c.predicted_purchases,
    c.probability_alive,
    c.purchase_probability_90d,
    c.churn_probability_90d,
    c.country,
    c.currency,
    c.id_is_synthetic
FROM {{ customers }} AS c
WHERE c.persona = '{{ persona }}'
{%- endmacro %}
