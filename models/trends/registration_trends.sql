{{ config(materialized='table', indexes=[{'columns': ['month_date'], 'unique': true}], tags=['trends']) }}

-- How many registered in each month, how many of them went on to a first order and how soon, and how many first orders the month had.
-- Who had ordered before registering was no prospect any more, and is left out of the shares. Empty where no source tells when customers signed up.
WITH prospects AS (
    SELECT
        s.customer_id,
        {{ day_of('s.signed_up_at') }} AS signed_up_date,
        c.first_order_date
    FROM {{ ref('stg_customers') }} AS s
    LEFT JOIN {{ ref('customers') }} AS c
        ON c.customer_id = s.customer_id
    WHERE s.signed_up_at < {{ as_of }}
),
-- One row for each day of registration and wait: from here on everything is small.
waits AS (
    SELECT
        p.signed_up_date,
        p.first_order_date - p.signed_up_date AS wait_days,
        count(*) AS customers
    FROM prospects AS p
    GROUP BY 1, 2
),
month_waits AS (
    SELECT
        {{ month_of('w.signed_up_date') }} AS month_date,
        w.wait_days,
        sum(w.customers) AS customers
    FROM waits AS w
    GROUP BY 1, 2
),
placed AS (
    SELECT
        m.month_date,
        m.wait_days,
        m.customers,
        CASE WHEN m.wait_days >= 0 THEN sum(m.customers) OVER in_time END AS up_to,
        sum(m.customers) FILTER (WHERE m.wait_days >= 0) OVER (PARTITION BY m.month_date) AS converted
    FROM month_waits AS m
    WINDOW in_time AS (PARTITION BY m.month_date, m.wait_days >= 0 ORDER BY m.wait_days)
),
registrations AS (
    SELECT
        p.month_date,
        sum(p.customers) AS registered,
        COALESCE(sum(p.customers) FILTER (WHERE p.wait_days < 0), 0) AS already_customers,
        COALESCE(max(p.converted), 0) AS converted,
        COALESCE(sum(p.customers) FILTER (WHERE p.wait_days BETWEEN 0 AND 30), 0) AS converted_30d,
        sum(p.customers * p.wait_days) FILTER (WHERE p.wait_days >= 0) / max(p.converted) AS mean_wait,
        min(p.wait_days) FILTER (WHERE 2 * p.up_to >= p.converted) AS median_wait
    FROM placed AS p
    GROUP BY p.month_date
),
first_orders AS (
    SELECT
        {{ month_of('c.first_order_date') }} AS month_date,
        sum(c.customers) AS customers
    FROM (
        SELECT
            a.first_order_date,
            count(*) AS customers
        FROM {{ ref('customers') }} AS a
        GROUP BY a.first_order_date
    ) AS c
    GROUP BY 1
),
months AS (
    SELECT n.month_at::date AS month_date
    FROM (
        SELECT
            min(r.month_date) AS first_month,
            max(r.month_date) AS last_month
        FROM registrations AS r
    ) AS s
    CROSS JOIN LATERAL generate_series(s.first_month::timestamp, s.last_month::timestamp, INTERVAL '1 month') AS n (month_at)
)
SELECT
    m.month_date,
    COALESCE(r.registered, 0)::integer AS registered_customers,
    COALESCE(r.already_customers, 0)::integer AS already_customers,
    COALESCE(r.converted, 0)::integer AS converted_customers,
    (r.converted / NULLIF(r.registered - r.already_customers, 0))::float8 AS converted_share,
    -- Only when everybody of the month has had the 30 days.
    CASE
        WHEN (m.month_date::timestamp + INTERVAL '1 month')::date + 30 <= {{ day_of(as_of) }}
        THEN (r.converted_30d / NULLIF(r.registered - r.already_customers, 0))::float8
    END AS converted_30d_share,
    round(r.mean_wait, 4)::float8 AS mean_conversion_days,
    r.median_wait AS median_conversion_days,
    COALESCE(f.customers, 0)::integer AS first_orders,
    (m.month_date::timestamp + INTERVAL '1 month')::date <= {{ day_of(as_of) }} AS is_complete
FROM months AS m
LEFT JOIN registrations AS r
    ON r.month_date = m.month_date
LEFT JOIN first_orders AS f
    ON f.month_date = m.month_date
