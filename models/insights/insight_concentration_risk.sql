{{ config(materialized='view', access='private', tags=['insights']) }}

-- One customer who brings a tenth of net revenue or more, the share from which companies in the United States must
-- report their dependence on a customer (FASB ASC 280-10-50-42). It is a fact about this shop, so nothing is tested.
SELECT
    'concentration_risk'::text AS insight,
    1 AS customers,
    d.highest_amount AS revenue,
    jsonb_build_object(
        'customers_count', d.customers,
        'highest_amount', d.highest_amount,
        'highest_share', (d.highest_amount / NULLIF(d.amount, 0))::float8,
        'threshold_share', 0.1
    ) AS figures,
    NULL::text AS test_name,
    NULL::float8 AS statistic,
    NULL::float8 AS p_value,
    d.customers AS sample_size,
    false AS is_exploratory,
    CASE
        WHEN d.customers = 1 THEN 'there is one customer only'
        WHEN d.amount <= 0 THEN 'all customers together are not above 0'
        WHEN d.highest_amount < 0.1 * d.amount THEN 'no customer brings a tenth of net revenue'
    END AS silence
FROM {{ ref('value_distribution') }} AS d
WHERE d.basis = 'revenue'
    AND d.lowest_customers = 0
