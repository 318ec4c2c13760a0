{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['marts', 'rfm']) }}

-- Independent fifths with ties kept together: LEAST(1 + floor(5 * percent_rank), 5), 5 is best.
-- With fewer than `min_customers` customers there are no cut points, and the scores stay null.
WITH cuts AS (
    SELECT
        array_agg(p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'recency_days') AS recency_days,
        array_agg(-p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'frequency') AS frequency,
        array_agg(-p.cut_point ORDER BY p.score DESC) FILTER (WHERE p.measure = 'monetary') AS monetary
    FROM {{ ref('rfm_cut_points') }} AS p
),
measures AS (
    SELECT
        c.customer_id,
        c.id_is_synthetic,
        {{ last_day(as_of) }} - c.last_order_date AS recency_days,
        c.order_count AS frequency,
        c.net_revenue AS monetary
    FROM {{ ref('customers') }} AS c
),
scores AS (
    SELECT
        m.customer_id,
        m.id_is_synthetic,
        m.recency_days,
        m.frequency,
        m.monetary,
        {{ score('m.recency_days', 'k.recency_days') }} AS r_score,
        {{ score('-m.frequency', 'k.frequency') }} AS f_score,
        {{ score('-m.monetary', 'k.monetary') }} AS m_score
    FROM measures AS m
    CROSS JOIN cuts AS k
)
SELECT
    s.customer_id,
    s.recency_days,
    s.frequency,
    s.monetary,
    s.r_score,
    s.f_score,
    s.m_score,
    (100 * s.r_score + 10 * s.f_score + s.m_score)::smallint AS rfm_code,
    (s.r_score + s.f_score + s.m_score)::smallint AS rfm_sum,
    s.id_is_synthetic
FROM scores AS s
