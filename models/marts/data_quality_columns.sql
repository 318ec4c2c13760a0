{{ config(materialized='table', indexes=[{'columns': ['source', 'column_name'], 'unique': true}], tags=['marts', 'quality']) }}

{#- Columns that lead to a person show no range: the smallest of a few is somebody. -#}
{%- set columns = [
    ('order_id', 'person'),
    ('customer_id', 'person'),
    ('id_is_synthetic', 'boolean'),
    ('ordered_at', 'timestamptz'),
    ('product_id', 'text'),
    ('description', 'text'),
    ('category', 'text'),
    ('quantity', 'numeric'),
    ('unit_price', 'numeric'),
    ('discount', 'numeric'),
    ('unit_cost', 'numeric'),
    ('channel', 'text'),
    ('country', 'text'),
    ('currency', 'text'),
] -%}
{%- set ranged = ['timestamptz', 'text', 'numeric'] %}

-- One row a source and column of raw.orders. It reads nothing but the raw table, so that `quintile profile` can ask it
-- before anything is built.
WITH counted AS (
    SELECT
        o.source,
        count(*) AS line_count
        {%- for name, kind in columns %},
        count(o.{{ name }}) AS {{ name }}_filled,
        count(DISTINCT {{ hash_of('o.' ~ name, kind) }}) AS {{ name }}_distinct
        {%- if kind in ranged %},
        min(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_min,
        max(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_max
        {%- endif %}
        {%- endfor %}
    FROM {{ raw_rows('orders') }} AS o
    GROUP BY o.source
)
SELECT
    n.source,
    k.column_name,
    k.column_number::integer AS column_number,
    n.line_count,
    n.line_count - k.filled AS null_count,
    ((n.line_count - k.filled) / n.line_count::numeric)::float8 AS null_share,
    k.distinct_count,
    left(k.minimum, 200) AS minimum,
    left(k.maximum, 200) AS maximum,
    k.is_personal,
    pg_catalog.col_description(a.attrelid, a.attnum) AS description
FROM counted AS n
CROSS JOIN LATERAL (
    VALUES
    {%- for name, kind in columns %}
        {%- set utc = " AT TIME ZONE 'UTC'" if kind == 'timestamptz' else '' %}
        (
            '{{ name }}', {{ loop.index }}, n.{{ name }}_filled, n.{{ name }}_distinct,
            {{ '(n.' ~ name ~ '_min' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
            {{ '(n.' ~ name ~ '_max' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
            {{ 'true' if kind == 'person' else 'false' }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
) AS k (column_name, column_number, filled, distinct_count, minimum, maximum, is_personal)
LEFT JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = '{{ source('raw', 'orders') }}'::regclass
        AND a.attname = k.column_name
