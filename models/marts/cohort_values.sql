{{ config(materialized='table', access='private', indexes=[{'columns': ['dimension', 'value'], 'unique': true}], tags=['marts', 'cohorts']) }}

-- The values of each dimension that cohorts tell apart: those of the most customers, at most `cohort_values`. The others
-- together are "(other)". Without a row nothing is known of the dimension.
{%- set columns = {'channel': 'channel', 'category': 'category', 'campaign': 'campaign_id', 'country': 'country'} %}
SELECT
    r.dimension,
    r.value
FROM (
    {%- for dimension in cohort_dimensions() %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        '{{ dimension }}' AS dimension,
        a.{{ columns[dimension] }} AS value,
        row_number() OVER (ORDER BY count(*) DESC, a.{{ columns[dimension] }} COLLATE "C") AS value_rank
    FROM {{ ref('customer_acquisition') }} AS a
    WHERE a.{{ columns[dimension] }} IS NOT NULL
    GROUP BY a.{{ columns[dimension] }}
    {%- else %}
    SELECT
        NULL::text AS dimension,
        NULL::text AS value,
        NULL::bigint AS value_rank
    WHERE false
    {%- endfor %}
) AS r
WHERE r.value_rank <= {{ var('cohort_values', 12) }}::bigint
