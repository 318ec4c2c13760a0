{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['part', 'dimension', 'dimension_value', 'cohort_number', 'calendar_n', 'anniversary_n', 'day', 'gap_band'], settled_refs=['stg_calendar'], tags=['marts', 'cohorts']) }}

-- All sums over the orders and the periods they fall into: orders are sorted by customer once, and what the rows are like is not kept.
-- cohort_activity, order_days, acquisition_days and order_gaps are the parts of it.
{%- set kinds = {
    'week': ['week', 'anniversary_week'],
    'month': ['month', 'quarter', 'anniversary_month', 'anniversary_quarter'],
} %}
{%- set parts = [] %}
{%- if 'week' in cohort_grains() %}{% do parts.append(('week', 'all')) %}{% endif %}
{%- if 'month' in cohort_grains() or 'quarter' in cohort_grains() %}
{%- for dimension in ['all'] + cohort_dimensions() %}{% do parts.append(('month', dimension)) %}{% endfor %}
{%- endif %}
WITH placed AS MATERIALIZED (
    SELECT
        o.is_return,
        o.order_date,
        o.previous_date,
        o.first_order_date,
        o.revenue,
        o.profit,
        o.cohort_week,
        o.cohort_month,
        o.week_n,
        o.month_n,
        o.anniversary_week_n,
        o.anniversary_month_n,
        o.since_month,
        o.is_last_order
        {%- for kind in cohort_kinds() %},
        o.is_first_in_{{ kind }}
        {%- endfor %}
        {%- for dimension in cohort_dimensions() %},
        o.{{ dimension }}
        {%- endfor %}
    FROM {{ ref('cohort_orders') }} AS o
)
SELECT
    'order_day' AS part,
    NULL::text AS dimension,
    NULL::text AS dimension_value,
    NULL::integer AS cohort_number,
    NULL::integer AS calendar_n,
    NULL::integer AS anniversary_n,
    p.order_date AS day,
    NULL::integer AS gap_band,
    count(*) FILTER (WHERE NOT p.is_return) AS orders,
    0::bigint AS last_orders,
    {%- for kind in cohort_kinds() %}
    {{ 'count(*) FILTER (WHERE p.is_first_in_' ~ kind ~ ')' if kind in ['week', 'month'] else '0::bigint' }} AS active_{{ kind }},
    {%- endfor %}
    count(*) FILTER (WHERE NOT p.is_return AND p.previous_date IS DISTINCT FROM p.order_date) AS active_day,
    count(*) FILTER (WHERE NOT p.is_return AND p.previous_date IS NULL) AS new_customers,
    count(*) FILTER (WHERE p.is_first_in_month AND p.since_month = 1) AS returning_customers,
    count(*) FILTER (WHERE p.is_first_in_month AND p.since_month > 1) AS resurrecting_customers,
    0::bigint AS repeat_customers,
    count(*) FILTER (WHERE NOT p.is_return AND p.order_date = p.first_order_date) AS new_orders,
    COALESCE(sum(p.revenue) FILTER (WHERE NOT p.is_return), 0.0000) AS gross_revenue,
    COALESCE(sum(-p.revenue) FILTER (WHERE p.is_return), 0.0000) AS returned_revenue,
    COALESCE(sum(p.revenue) FILTER (WHERE NOT p.is_return AND p.order_date = p.first_order_date), 0.0000) AS new_revenue,
    sum(p.revenue) AS revenue,
    COALESCE(sum(p.profit), 0.0000) AS profit,
    count(p.profit) AS profit_orders,
    count(*) AS row_count
FROM placed AS p
GROUP BY p.order_date
{%- for grain, dimension in parts %}
UNION ALL
-- What the customers of a cohort did in each of their periods, counted once for months and quarters, calendar and anniversary, together.
SELECT
    '{{ grain }}',
    '{{ dimension }}',
    {{ "'all'" if dimension == 'all' else 'p.' ~ dimension }},
    p.cohort_{{ grain }},
    p.{{ grain }}_n,
    p.anniversary_{{ grain }}_n,
    NULL,
    NULL,
    count(*) FILTER (WHERE NOT p.is_return),
    count(*) FILTER (WHERE p.is_last_order),
    {%- for kind in cohort_kinds() %}
    {{ 'count(*) FILTER (WHERE p.is_first_in_' ~ kind ~ ')' if kind in kinds[grain] else '0' }},
    {%- endfor %}
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    sum(p.revenue),
    COALESCE(sum(p.profit), 0.0000),
    count(p.profit),
    count(*)
FROM placed AS p
{%- if dimension != 'all' %}
-- A dimension that nothing is known of would only say again what all says.
WHERE EXISTS (
    SELECT 1
    FROM {{ ref('cohort_values') }} AS v
    WHERE v.dimension = '{{ dimension }}'
)
{%- endif %}
GROUP BY p.cohort_{{ grain }}, p.{{ grain }}_n, p.anniversary_{{ grain }}_n{{ ', p.' ~ dimension if dimension != 'all' }}
{%- endfor %}
UNION ALL
-- A customer came back on the first later day with an order: one row at most has the first day as the one before it.
SELECT
    'first_day',
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    p.first_order_date,
    NULL,
    0,
    0,
    {%- for kind in cohort_kinds() %}
    0,
    {%- endfor %}
    0,
    count(*) FILTER (WHERE NOT p.is_return AND p.previous_date IS NULL),
    0,
    0,
    count(*) FILTER (
        WHERE NOT p.is_return
            AND p.previous_date = p.first_order_date
            AND p.order_date > p.first_order_date
            AND p.order_date <= p.first_order_date + 90
    ),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count(*)
FROM placed AS p
GROUP BY p.first_order_date
UNION ALL
SELECT
    'gap',
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    width_bucket((p.order_date - p.previous_date)::float8, ARRAY[{{ order_gap_bands() | join(', ') }}]::float8[]),
    count(*),
    0,
    {%- for kind in cohort_kinds() %}
    0,
    {%- endfor %}
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    sum(p.revenue),
    0,
    0,
    count(*)
FROM placed AS p
WHERE NOT p.is_return
    AND p.previous_date IS NOT NULL
GROUP BY 8
