-- Predicted and actual means of customers with $1 repeat purchases (7 stands for more), over all cuts of the past, one row an estimator.
SELECT jsonb_build_object(
    'estimator', c.estimator,
    'cuts', count(*),
    'customers', sum(c.customers),
    'predicted_revenue_mean', sum(c.customers * c.predicted_revenue_mean) / sum(c.customers),
    'actual_revenue_mean', sum(c.customers * c.actual_revenue_mean) / sum(c.customers),
    'predicted_purchases_mean', sum(c.customers * c.predicted_purchases_mean) / sum(c.customers),
    'actual_purchases_mean', sum(c.customers * c.actual_purchases_mean) / sum(c.customers)
) AS row
FROM {schema}.{relation} AS c
WHERE c.grouping_name = 'repeat purchases' AND c.group_number = LEAST($1::bigint, 7) AND c.customers > 0
GROUP BY c.estimator
