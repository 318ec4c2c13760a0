{{ config(materialized='table', tags=['analytics']) }}

-- What the choice of the number of clusters rested on. The fit is that of the run that made the clusters,
-- which is an earlier one when only this model is built again.
SELECT
    q.k,
    q.inertia_mean,
    q.silhouette,
    q.calinski_harabasz,
    q.davies_bouldin,
    CASE WHEN q.is_chosen THEN (f.facts ->> 'agreement_with_former')::float8 END AS adjusted_rand_index,
    q.is_chosen,
    CASE WHEN q.is_chosen THEN f.facts ->> 'reason' END AS reason
FROM {{ source('quintile', 'fits') }} AS f
CROSS JOIN LATERAL jsonb_to_recordset(f.facts -> 'quality') AS q (
    k integer,
    inertia_mean float8,
    silhouette float8,
    calinski_harabasz float8,
    davies_bouldin float8,
    is_chosen boolean
)
WHERE f.model = 'customer_clusters'
    AND f.run_id = (SELECT c.run_id FROM {{ ref('customer_clusters') }} AS c LIMIT 1)
