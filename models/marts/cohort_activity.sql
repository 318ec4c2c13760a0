{{ config(materialized='table', access='private', refresh='sums', refresh_key='customer_id', group_by=['grain', 'dimension', 'dimension_value', 'cohort_number', 'calendar_n', 'anniversary_n'], tags=['marts', 'cohorts']) }}

-- What the customers of a cohort did in each of their periods, counted once for months and quarters, calendar and anniversary, together.
-- A quarter is the sum of its months: an order that is its customer's first in the quarter is counted in one month only.
-- A customer has one value in each dimension, so the values add up to all. Profit is known where profit_orders is above 0.
{%- set kinds = {
    'week': ['week', 'anniversary_week'],
    'month': ['month', 'quarter', 'anniversary_month', 'anniversary_quarter'],
} %}
{%- set parts = [] %}
{%- if 'week' in cohort_grains() %}{% do parts.append(('week', 'all')) %}{% endif %}
{%- if 'month' in cohort_grains() or 'quarter' in cohort_grains() %}
{%- for dimension in ['all'] + cohort_dimensions() %}{% do parts.append(('month', dimension)) %}{% endfor %}
{%- endif %}
{%- for grain, dimension in parts %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    '{{ grain }}' AS grain,
    '{{ dimension }}' AS dimension,
    {{ "'all'" if dimension == 'all' else 'o.' ~ dimension }} AS dimension_value,
    o.cohort_{{ grain }} AS cohort_number,
    o.{{ grain }}_n AS calendar_n,
    o.anniversary_{{ grain }}_n AS anniversary_n,
    count(*) FILTER (WHERE NOT o.is_return) AS orders,
    count(*) FILTER (WHERE o.is_last_order) AS last_orders,
    {%- for kind in cohort_kinds() %}
    {{ 'count(*) FILTER (WHERE o.is_first_in_' ~ kind ~ ')' if kind in kinds[grain] else '0::bigint' }} AS active_{{ kind }},
    {%- endfor %}
    sum(o.revenue) AS revenue,
    COALESCE(sum(o.profit), 0.0000) AS profit,
    count(o.profit) AS profit_orders,
    count(*) AS row_count
FROM {{ ref('cohort_orders') }} AS o
{%- if dimension != 'all' %}
-- A dimension that nothing is known of would only say again what all says.
WHERE EXISTS (
    SELECT 1
    FROM {{ ref('cohort_values') }} AS v
    WHERE v.dimension = '{{ dimension }}'
)
{%- endif %}
GROUP BY o.cohort_{{ grain }}, o.{{ grain }}_n, o.anniversary_{{ grain }}_n{{ ', o.' ~ dimension if dimension != 'all' }}
{%- endfor %}
