-- The key figures of all customers; money as float8, since it is only shown.
SELECT
    count(*) AS customers,
    COALESCE(sum(c.net_revenue::float8), 0) AS revenue,
    COALESCE(sum(c.gross_revenue::float8), 0) AS gross_revenue,
    COALESCE(sum(c.order_count), 0)::bigint AS orders,
    count(*) FILTER (WHERE c.order_count > 1) AS repeat_customers,
    CASE WHEN min(c.currency) = max(c.currency) AND count(c.currency) = count(*) THEN min(c.currency) END AS currency,
    COALESCE(bool_or(c.id_is_synthetic), false) AS is_synthetic
FROM {marts}.customers AS c
