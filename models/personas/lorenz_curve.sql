{{ config(materialized='table', indexes=[{'columns': ['basis', 'customers'], 'unique': true}], tags=['personas']) }}

-- Lorenz curve of each basis, from nobody to everybody, lowest amounts first; at most 101 points.
SELECT
    d.basis,
    d.lowest_customers AS customers,
    d.lowest_customers::float8 / d.customers::float8 AS customer_share,
    d.lowest_amount AS amount,
    CASE WHEN d.amount > 0 THEN (d.lowest_amount / d.amount)::float8 END AS amount_share,
    d.currency,
    d.id_is_synthetic
FROM {{ ref('value_distribution') }} AS d
