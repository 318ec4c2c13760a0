{{ config(materialized='table', indexes=[{'columns': ['cluster_id'], 'unique': true}], tags=['analytics']) }}

-- Figures of the members, and where the centroid lies in standard units (0 is the mean of all customers,
-- 1 is one standard deviation above it, on the scale that the clusters were made on).
WITH members AS (
    SELECT
        c.cluster_id,
        count(*) AS customers,
        avg(s.recency_days)::float8 AS mean_recency_days,
        avg(s.frequency)::float8 AS mean_frequency,
        avg(s.monetary) AS mean_monetary,
        sum(s.monetary) AS revenue,
        -- Null unless the cost is known for everybody: a mean over some of them would stand for all.
        CASE WHEN count(*) = count(b.profit) THEN avg(b.profit) END AS mean_profit,
        avg(round(c.persona_confidence::numeric, 9))::float8 AS mean_confidence
    FROM {{ ref('customer_clusters') }} AS c
    INNER JOIN {{ ref('rfm_scores') }} AS s
        ON s.customer_id = c.customer_id
    INNER JOIN {{ ref('customers') }} AS b
        ON b.customer_id = c.customer_id
    GROUP BY c.cluster_id
),
totals AS (
    SELECT
        sum(m.customers) AS customers,
        sum(m.revenue) AS revenue
    FROM members AS m
),
centroids AS (
    SELECT
        (e.cluster ->> 'cluster_id')::integer AS cluster_id,
        (e.cluster -> 'centroid' ->> 'recency_days')::float8 AS centroid_recency_days,
        (e.cluster -> 'centroid' ->> 'frequency')::float8 AS centroid_frequency,
        (e.cluster -> 'centroid' ->> 'monetary')::float8 AS centroid_monetary,
        (e.cluster -> 'z' ->> 'recency_days')::float8 AS recency_z,
        (e.cluster -> 'z' ->> 'frequency')::float8 AS frequency_z,
        (e.cluster -> 'z' ->> 'monetary')::float8 AS monetary_z
    FROM {{ source('quintile', 'fits') }} AS f
    CROSS JOIN LATERAL jsonb_array_elements(f.facts -> 'clusters') AS e (cluster)
    WHERE f.model = 'customer_clusters'
        AND f.run_id = (SELECT c.run_id FROM {{ ref('customer_clusters') }} AS c LIMIT 1)
)
SELECT
    m.cluster_id,
    m.customers::integer AS customers,
    (m.customers / t.customers)::float8 AS customer_share,
    m.revenue,
    (m.revenue / NULLIF(t.revenue, 0))::float8 AS revenue_share,
    m.mean_recency_days,
    m.mean_frequency,
    round(m.mean_monetary, 4) AS mean_monetary,
    z.centroid_recency_days,
    z.centroid_frequency,
    z.centroid_monetary,
    z.recency_z,
    z.frequency_z,
    z.monetary_z,
    m.mean_confidence,
    round(m.mean_profit, 4) AS mean_profit
FROM members AS m
CROSS JOIN totals AS t
LEFT JOIN centroids AS z
    ON z.cluster_id = m.cluster_id
