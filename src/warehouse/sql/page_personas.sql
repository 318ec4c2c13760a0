-- The personas in the order in which to act.
SELECT
    p.persona,
    p.customers::bigint AS customers,
    p.customer_share::float8 AS customer_share,
    p.revenue::float8 AS revenue,
    p.revenue_share::float8 AS revenue_share,
    p.mean_recency_days::float8 AS mean_recency_days,
    p.mean_frequency::float8 AS mean_frequency,
    p.mean_monetary::float8 AS mean_monetary,
    p.predicted_ltv_total::float8 AS predicted_ltv_total,
    p.predicted_ltv_mean::float8 AS predicted_ltv_mean,
    p.insight,
    p.title,
    p.action,
    p.channel
FROM {marts}.persona_summary AS p
ORDER BY p.priority
