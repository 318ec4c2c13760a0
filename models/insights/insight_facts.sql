{{ config(materialized='table', access='private', tags=['insights']) }}

-- What all insights share, in one row: profit is the basis where it is known for everybody, else net revenue, because a
-- comparison of customers whose cost is known with others whose is not would be one of unlike things. The typical number of
-- orders is the geometric mean, because a few who order very often lift the ordinary one far above what most do.
SELECT
    CASE WHEN count(*) = count(c.profit) THEN 'profit' ELSE 'revenue' END AS basis,
    CASE WHEN count(*) = count(c.profit) THEN 'profit' ELSE 'net revenue' END AS basis_in_words,
    count(*) AS customers,
    sum(c.monetary) AS revenue,
    round(exp(avg(round(ln(c.frequency::float8)::numeric, 12))::float8)::numeric, 4) AS typical_frequency,
    min(c.first_order_date) AS first_date,
    CASE WHEN min(c.currency) = max(c.currency) THEN min(c.currency) END AS currency,
    bool_or(c.id_is_synthetic) AS id_is_synthetic
FROM {{ ref('customer_360') }} AS c
