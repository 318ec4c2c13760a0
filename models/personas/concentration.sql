{{ config(materialized='table', indexes=[{'columns': ['basis', 'top_share'], 'unique': true}], tags=['personas']) }}

-- How much the few bring. The top p % are ceil(p * n / 100) customers, never nobody; among customers of equal amounts it
-- does not matter who is taken, so amounts are exact although a tie may lie across the cut.
SELECT
    d.basis,
    s.top_share,
    (d.customers - d.lowest_customers)::integer AS top_customers,
    d.amount - d.lowest_amount AS top_amount,
    CASE WHEN d.amount > 0 THEN ((d.amount - d.lowest_amount) / d.amount)::float8 END AS top_amount_share,
    d.customers::integer AS customers,
    d.negative_customers::integer AS negative_customers,
    d.amount,
    d.gini,
    d.highest_amount,
    d.currency,
    d.id_is_synthetic
FROM {{ ref('value_distribution') }} AS d
INNER JOIN (VALUES (1, 0.01::float8), (5, 0.05::float8), (10, 0.1::float8), (20, 0.2::float8)) AS s (percent, top_share)
    ON d.lowest_customers = d.customers * (100 - s.percent) / 100
