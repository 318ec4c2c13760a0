{{ config(materialized='table', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['marts', 'cohorts']) }}

-- How each customer came: what his own source tells of him, else what his first order tells.
WITH channels AS (
    SELECT EXISTS (SELECT 1 FROM {{ ref('stg_customers') }} AS s WHERE s.acquisition_channel IS NOT NULL) AS are_told
),
touches AS (
    -- The latest campaign up to the first order.
    SELECT
        c.customer_id,
        (array_agg(t.campaign_id ORDER BY t.assigned_at DESC, t.campaign_id COLLATE "C"))[1] AS campaign_id
    FROM {{ ref('stg_campaign_touches') }} AS t
    INNER JOIN {{ ref('customers') }} AS c
        ON c.customer_id = t.customer_id
    WHERE t.assigned_at <= c.first_order_at
    GROUP BY c.customer_id
)
SELECT
    c.customer_id,
    c.first_order_date,
    CASE WHEN k.are_told THEN s.acquisition_channel ELSE c.first_channel END AS channel,
    c.first_category AS category,
    COALESCE(s.acquisition_campaign_id, t.campaign_id) AS campaign_id,
    c.first_country AS country,
    c.id_is_synthetic
FROM {{ ref('customers') }} AS c
CROSS JOIN channels AS k
LEFT JOIN {{ ref('stg_customers') }} AS s
    ON s.customer_id = c.customer_id
LEFT JOIN touches AS t
    ON t.customer_id = c.customer_id
