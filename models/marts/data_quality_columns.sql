{{ config(materialized='table', indexes=[{'columns': ['source', 'column_name'], 'unique': true}], tags=['marts', 'quality']) }}

{%- set ranged = ['timestamptz', 'text', 'numeric'] %}

-- One row a source and column of raw.orders. It reads nothing but the raw table and private tables over it, so that
-- `quintile profile` can ask it before anything is built.
WITH counts AS (
    SELECT
        d.source,
        sum(d.line_count)::bigint AS line_count,
        sum(d.instant_count)::bigint AS instant_count,
        sum(d.synthetic_customer)::bigint AS synthetic_count
        {%- for name, kind in line_columns() %},
        sum(d.{{ name }}_filled)::bigint AS {{ name }}_filled
        {%- if kind in ranged %},
        min(d.{{ name }}_min{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_min,
        max(d.{{ name }}_max{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_max
        {%- endif %}
        {%- endfor %}
    FROM {{ ref('stg_line_days') }} AS d
    GROUP BY d.source
),
held AS (
    SELECT
        v.source,
        v.column_name,
        count(*) AS distinct_count
    FROM {{ ref('stg_line_values') }} AS v
    GROUP BY v.source, v.column_name
    UNION ALL
    SELECT
        o.source,
        'order_id',
        o.order_count
    FROM {{ ref('stg_order_counts') }} AS o
    UNION ALL
    SELECT
        c.source,
        'ordered_at',
        c.instant_count
    FROM counts AS c
    UNION ALL
    SELECT
        c.source,
        'id_is_synthetic',
        (c.synthetic_count > 0)::integer + (c.synthetic_count < c.line_count)::integer
    FROM counts AS c
)
SELECT
    c.source,
    k.column_name,
    k.column_number::integer AS column_number,
    c.line_count,
    c.line_count - k.filled AS null_count,
    ((c.line_count - k.filled) / c.line_count::numeric)::float8 AS null_share,
    COALESCE(h.distinct_count, 0) AS distinct_count,
    left(k.minimum, 200) AS minimum,
    left(k.maximum, 200) AS maximum,
    k.is_personal,
    a.description
FROM counts AS c
CROSS JOIN LATERAL (
    VALUES
    {%- for name, kind in line_columns() %}
        {%- set utc = " AT TIME ZONE 'UTC'" if kind == 'timestamptz' else '' %}
        (
            '{{ name }}', {{ loop.index }}, c.{{ name }}_filled,
            {{ '(c.' ~ name ~ '_min' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
            {{ '(c.' ~ name ~ '_max' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
            {{ 'true' if kind == 'person' else 'false' }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
) AS k (column_name, column_number, filled, minimum, maximum, is_personal)
LEFT JOIN held AS h
    ON h.source = c.source
    AND h.column_name = k.column_name
LEFT JOIN {{ ref('stg_order_columns') }} AS a
    ON a.column_name = k.column_name
