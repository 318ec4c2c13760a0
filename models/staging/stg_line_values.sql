{{ config(materialized='table', access='private', refresh='lines', group_by=['source', 'column_name', 'value_hash'], tags=['staging', 'quality']) }}

-- Which values the columns of order lines have, and in how many lines. Equal hashes are equal values but for one chance in billions.
-- Orders and instants are left out: stg_order_counts and stg_line_days count them.
{%- for name, kind in line_columns() if name not in ['order_id', 'ordered_at', 'id_is_synthetic'] %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    o.source,
    '{{ name }}' AS column_name,
    {{ hash_of('o.' ~ name, kind) }} AS value_hash,
    count(*) FILTER (WHERE NOT o.id_is_synthetic) AS known_lines,
    count(*) AS row_count
FROM {{ ref('stg_lines') }} AS o
WHERE o.{{ name }} IS NOT NULL
GROUP BY o.source, {{ hash_of('o.' ~ name, kind) }}
{%- endfor %}
