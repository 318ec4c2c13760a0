{{ config(materialized='table', indexes=[{'columns': ['attribute', 'value'], 'unique': true}], tags=['trends']) }}

-- Who the customers are, as far as raw.customers describes them, and what each group buys. Groups below min_group_size customers are put together,
-- with larger ones until they are enough, so that no figure is about a few persons; what still is not enough is left out.
{%- set attributes = ['country', 'region', 'city', 'gender', 'segment', 'age_band', 'acquisition_channel', 'consent'] %}
WITH described AS (
    SELECT
        s.customer_id,
        s.country,
        s.region,
        s.city,
        s.gender,
        s.segment,
        s.acquisition_channel,
        CASE s.has_consent WHEN true THEN 'given' WHEN false THEN 'not given' END AS consent,
        CASE
            WHEN s.age_years BETWEEN 0 AND 17 THEN 'under 18'
            WHEN s.age_years BETWEEN 18 AND 24 THEN '18 to 24'
            WHEN s.age_years BETWEEN 25 AND 34 THEN '25 to 34'
            WHEN s.age_years BETWEEN 35 AND 44 THEN '35 to 44'
            WHEN s.age_years BETWEEN 45 AND 54 THEN '45 to 54'
            WHEN s.age_years BETWEEN 55 AND 64 THEN '55 to 64'
            -- Nobody is 121: such a date of birth stands for an empty one.
            WHEN s.age_years BETWEEN 65 AND 120 THEN '65 and over'
        END AS age_band,
        c.order_count,
        c.net_revenue
    FROM {{ ref('stg_customers') }} AS s
    LEFT JOIN {{ ref('customers') }} AS c
        ON c.customer_id = s.customer_id
),
groups AS (
    SELECT
        v.attribute,
        v.value,
        count(*) AS customers,
        count(d.order_count) AS buyers,
        COALESCE(sum(d.order_count), 0) AS orders,
        COALESCE(sum(d.net_revenue), 0) AS revenue
    FROM described AS d
    CROSS JOIN LATERAL (
        VALUES
        {%- for attribute in attributes %}
            ('{{ attribute }}', d.{{ attribute }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) AS v (attribute, value)
    GROUP BY v.attribute, v.value
),
measured AS (
    SELECT
        g.attribute,
        g.value,
        g.customers,
        g.buyers,
        g.orders,
        g.revenue,
        COALESCE(sum(g.customers) OVER (
            PARTITION BY g.attribute ORDER BY g.customers, g.value COLLATE "C" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS smaller_customers,
        bool_or(g.value IS NOT NULL) OVER (PARTITION BY g.attribute) AS is_told
    FROM groups AS g
),
folded AS (
    SELECT
        m.attribute,
        CASE
            WHEN m.customers < {{ var('min_group_size', 5) }}::bigint THEN '(other)'
            WHEN m.smaller_customers > 0 AND m.smaller_customers < {{ var('min_group_size', 5) }}::bigint THEN '(other)'
            ELSE COALESCE(m.value, '(unknown)')
        END AS value,
        m.customers,
        m.buyers,
        m.orders,
        m.revenue
    FROM measured AS m
    WHERE m.is_told
),
told AS (
    SELECT
        f.attribute,
        f.value,
        sum(f.customers) AS customers,
        sum(f.buyers) AS buyers,
        sum(f.orders) AS orders,
        sum(f.revenue) AS revenue
    FROM folded AS f
    GROUP BY f.attribute, f.value
    HAVING sum(f.customers) >= {{ var('min_group_size', 5) }}::bigint
)
SELECT
    t.attribute,
    t.value,
    t.customers::integer AS customers,
    (t.customers / sum(t.customers) OVER of_attribute)::float8 AS customer_share,
    t.buyers::integer AS buyers,
    (t.buyers / t.customers)::float8 AS buyer_share,
    t.orders::integer AS orders,
    t.revenue,
    round(t.revenue / NULLIF(sum(t.revenue) OVER of_attribute, 0), 6)::float8 AS revenue_share,
    round(t.revenue / NULLIF(t.buyers, 0), 4) AS revenue_per_buyer,
    (t.orders / NULLIF(t.buyers, 0))::float8 AS orders_per_buyer
FROM told AS t
WINDOW of_attribute AS (PARTITION BY t.attribute)
