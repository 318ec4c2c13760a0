{{ config(materialized='table', access='private', indexes=[{'columns': ['cluster_id'], 'unique': true}], tags=['personas']) }}

-- Names by what a cluster is like, never by its number, which changes from fit to fit:
--   At Risk          of several clusters the one that was away longest, and further ones clearly above the average in
--                    recency_days (z > 0.5), at most k - 3 in all, so that three are left for the others
--   VIPs             of the rest, the highest mean monetary
--   Loyalists        of the rest, the highest mean frequency, and further ones clearly above the average
--                    in frequency (z > 0.5) while at least one cluster stays
--   Casual Shoppers  what is left
-- The windows run over a handful of clusters, not over customers; cluster_id settles ties.
WITH by_recency AS (
    SELECT
        p.cluster_id,
        p.mean_recency_days,
        p.mean_frequency,
        p.mean_monetary,
        p.recency_z,
        p.frequency_z,
        row_number() OVER (ORDER BY p.mean_recency_days DESC, p.cluster_id) AS recency_rank,
        count(*) OVER () AS cluster_count
    FROM {{ ref('cluster_profiles') }} AS p
),
at_risk AS (
    SELECT b.cluster_id
    FROM by_recency AS b
    WHERE (b.recency_rank = 1 AND b.cluster_count > 1)
        OR (b.recency_z > 0.5::float8 AND b.recency_rank <= b.cluster_count - 3)
),
by_monetary AS (
    SELECT
        b.cluster_id,
        b.mean_frequency,
        b.frequency_z,
        row_number() OVER (ORDER BY b.mean_monetary DESC, b.cluster_id) AS monetary_rank
    FROM by_recency AS b
    WHERE NOT EXISTS (SELECT 1 FROM at_risk AS a WHERE a.cluster_id = b.cluster_id)
),
by_frequency AS (
    SELECT
        b.cluster_id,
        b.frequency_z,
        row_number() OVER (ORDER BY b.mean_frequency DESC, b.cluster_id) AS frequency_rank,
        count(*) OVER () AS rest_count
    FROM by_monetary AS b
    WHERE b.monetary_rank > 1
)
SELECT
    a.cluster_id,
    'At Risk'::text AS persona
FROM at_risk AS a
UNION ALL
SELECT
    b.cluster_id,
    'VIPs'::text AS persona
FROM by_monetary AS b
WHERE b.monetary_rank = 1
UNION ALL
SELECT
    b.cluster_id,
    CASE
        WHEN b.frequency_rank = 1 THEN 'Loyalists'
        WHEN b.frequency_z > 0.5::float8 AND b.frequency_rank < b.rest_count THEN 'Loyalists'
        ELSE 'Casual Shoppers'
    END AS persona
FROM by_frequency AS b
