{{ config(materialized='view', access='private', tags=['analytics']) }}

-- What was known of customers at cuts of the past, and what they did in the horizon after: what lifetime values are judged by and
-- learn from. Nothing behind a cut touches what is known at it: a return counts from its own day. `origin_n` is 0 for all
-- customers as of now, without an outcome; 1, 2, ... are one horizon further back each, for a sample of customers by a hash.
-- The horizon is the longest of 365, 180, 90 and 30 days of which four fit into the data; as many cuts as leave that much before them, at most `ltv_origins`.
-- A view, because it is read only when a fit is made.
WITH span AS (
    SELECT
        min(p.first_purchase_date) AS first_date,
        count(*) AS customers
    FROM {{ ref('customer_purchases') }} AS p
),
horizon AS (
    SELECT
        s.first_date,
        s.customers,
        CASE
            {%- for days in [365, 180, 90] %}
            WHEN {{ last_day(as_of) }} - s.first_date >= {{ 4 * days }} THEN {{ days }}
            {%- endfor %}
            ELSE 30
        END AS horizon_days
    FROM span AS s
),
cuts AS (
    SELECT
        n.origin_n,
        h.horizon_days,
        {{ last_day(as_of) }} - n.origin_n * h.horizon_days AS cut_date,
        -- Shares of a hash: the same customers at every cut and in every run.
        {{ var('ltv_sample_customers', 20000) }}::float8 / GREATEST(h.customers, 1) AS sample_share
    FROM horizon AS h
    CROSS JOIN generate_series(1, {{ var('ltv_origins', 6) }}::integer) AS n (origin_n)
    WHERE {{ last_day(as_of) }} - (n.origin_n + 1) * h.horizon_days >= h.first_date
),
days AS (
    SELECT
        c.origin_n,
        c.cut_date,
        c.horizon_days,
        o.customer_id,
        o.order_date,
        o.order_date > c.cut_date AS is_after,
        bool_or(NOT o.is_return) AS is_purchase,
        count(*) FILTER (WHERE NOT o.is_return) AS orders,
        sum(o.revenue::float8) AS value,
        COALESCE(sum(-o.revenue::float8) FILTER (WHERE o.is_return), 0) AS returned,
        sum(o.unit_count::float8) FILTER (WHERE NOT o.is_return) AS units
    FROM {{ ref('customer_orders') }} AS o
    INNER JOIN cuts AS c
        ON o.order_date <= c.cut_date + c.horizon_days
        AND (hashtext(o.customer_id) & 1048575)::float8 < c.sample_share * 1048576
    GROUP BY c.origin_n, c.cut_date, c.horizon_days, o.customer_id, o.order_date
),
numbered AS (
    SELECT
        d.*,
        count(*) FILTER (WHERE d.is_purchase) OVER (PARTITION BY d.origin_n, d.customer_id, d.is_after ORDER BY d.order_date) AS purchase_n
    FROM days AS d
),
-- One row a purchase day, less what came back of it up to the cut; the time behind the cut is one row.
purchases AS (
    SELECT
        n.origin_n,
        n.cut_date,
        n.horizon_days,
        n.customer_id,
        n.is_after,
        CASE WHEN NOT n.is_after THEN n.purchase_n END AS purchase_n,
        min(n.order_date) AS purchase_date,
        CASE WHEN n.is_after THEN sum(n.value) ELSE GREATEST(sum(n.value), 0::float8) END AS value,
        sum(n.returned) AS returned,
        sum(n.units) AS units,
        sum(n.orders) AS orders,
        count(*) FILTER (WHERE n.is_purchase) AS purchase_days
    FROM numbered AS n
    WHERE n.is_after OR n.purchase_n > 0
    GROUP BY n.origin_n, n.cut_date, n.horizon_days, n.customer_id, n.is_after, CASE WHEN NOT n.is_after THEN n.purchase_n END
)
SELECT
    -- A customer is there once for each cut.
    p.customer_id,
    p.origin_n,
    p.horizon_days,
    (p.cut_date - DATE '1970-01-01')::float8 AS cut_day,
    (count(*) FILTER (WHERE NOT p.is_after) - 1)::float8 AS repeat_count,
    (max(p.purchase_date) FILTER (WHERE NOT p.is_after) - min(p.purchase_date) FILTER (WHERE NOT p.is_after))::float8 AS last_purchase_age_days,
    (p.cut_date - min(p.purchase_date) FILTER (WHERE NOT p.is_after))::float8 AS age_days,
    avg(p.value) FILTER (WHERE NOT p.is_after AND p.purchase_n > 1) AS mean_repeat_value,
    sum(p.value) FILTER (WHERE NOT p.is_after) AS revenue,
    (sum(p.orders) FILTER (WHERE NOT p.is_after))::float8 AS orders,
    (p.cut_date - max(p.purchase_date) FILTER (WHERE NOT p.is_after))::float8 AS days_since_last_purchase,
    max(p.value) FILTER (WHERE NOT p.is_after AND p.purchase_n = 1) AS first_purchase_value,
    (array_agg(p.value ORDER BY p.purchase_n DESC) FILTER (WHERE NOT p.is_after))[1] AS last_purchase_value,
    max(p.value) FILTER (WHERE NOT p.is_after) AS largest_purchase_value,
    stddev_samp(p.value) FILTER (WHERE NOT p.is_after) AS deviation_of_purchase_values,
    {%- for days in [30, 90, 180, 365] %}
    COALESCE(sum(p.value) FILTER (WHERE NOT p.is_after AND p.purchase_date > p.cut_date - {{ days }}), 0) AS revenue_{{ days }}d,
    (count(*) FILTER (WHERE NOT p.is_after AND p.purchase_date > p.cut_date - {{ days }}))::float8 AS purchases_{{ days }}d,
    {%- endfor %}
    (max(p.purchase_date) FILTER (WHERE NOT p.is_after) - min(p.purchase_date) FILTER (WHERE NOT p.is_after))::float8
        / NULLIF(count(*) FILTER (WHERE NOT p.is_after) - 1, 0)::float8 AS mean_gap_days,
    sum(p.returned) FILTER (WHERE NOT p.is_after) AS returned_revenue,
    sum(p.units) FILTER (WHERE NOT p.is_after) AS units,
    COALESCE(sum(p.value) FILTER (WHERE p.is_after), 0) AS outcome_revenue,
    COALESCE(sum(p.purchase_days) FILTER (WHERE p.is_after), 0)::float8 AS outcome_purchases
FROM purchases AS p
GROUP BY p.origin_n, p.horizon_days, p.cut_date, p.customer_id
-- Who comes only behind the cut is not known at it.
HAVING bool_or(NOT p.is_after)
UNION ALL
-- As of now everything is known that customer_purchases holds, but for what lies in windows of days.
SELECT
    t.customer_id,
    0 AS origin_n,
    h.horizon_days,
    ({{ last_day(as_of) }} - DATE '1970-01-01')::float8 AS cut_day,
    t.repeat_count::float8 AS repeat_count,
    (t.last_purchase_date - t.first_purchase_date)::float8 AS last_purchase_age_days,
    ({{ last_day(as_of) }} - t.first_purchase_date)::float8 AS age_days,
    t.mean_repeat_value,
    t.value_to_date AS revenue,
    t.orders::float8 AS orders,
    ({{ last_day(as_of) }} - t.last_purchase_date)::float8 AS days_since_last_purchase,
    t.first_purchase_value,
    t.purchase_values[cardinality(t.purchase_values)] AS last_purchase_value,
    t.largest_purchase_value,
    t.deviation_of_purchase_values,
    {%- for days in [30, 90, 180, 365] %}
    r.revenue_{{ days }}d,
    r.purchases_{{ days }}d,
    {%- endfor %}
    (t.last_purchase_date - t.first_purchase_date)::float8 / NULLIF(t.repeat_count, 0)::float8 AS mean_gap_days,
    t.returned_revenue,
    t.units,
    0 AS outcome_revenue,
    0 AS outcome_purchases
FROM {{ ref('customer_purchases') }} AS t
CROSS JOIN horizon AS h
CROSS JOIN LATERAL (
    SELECT
        {%- for days in [30, 90, 180, 365] %}
        COALESCE(sum(u.value) FILTER (WHERE u.purchase_date > {{ last_day(as_of) }} - {{ days }}), 0) AS revenue_{{ days }}d,
        (count(*) FILTER (WHERE u.purchase_date > {{ last_day(as_of) }} - {{ days }}))::float8 AS purchases_{{ days }}d{{ ',' if not loop.last }}
        {%- endfor %}
    FROM unnest(t.purchase_dates, t.purchase_values) AS u (purchase_date, value)
) AS r
