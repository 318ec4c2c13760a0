-- What the choice of the number of clusters rested on.
SELECT q.k::integer AS k, q.inertia_mean::float8 AS inertia_mean, q.silhouette::float8 AS silhouette, q.is_chosen, q.reason
FROM {marts}.cluster_quality AS q
ORDER BY q.k
