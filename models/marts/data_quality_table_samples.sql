{{ config(materialized='table', indexes=[{'columns': ['source', 'table_name', 'sample_number', 'column_number'], 'unique': true}], tags=['marts', 'quality']) }}

{#- A table, its key, and its columns, each with the way it is shown: as it is, masked, or under a pseudonym. -#}
{%- set tables = [
    ('customers', ['customer_id'], [
        ('customer_id', 'pseudonym'),
        ('email', 'email'),
        ('name', 'name'),
        ('phone', 'text'),
        ('birth_date', 'text'),
        ('gender', 'plain'),
        ('city', 'text'),
        ('region', 'plain'),
        ('country', 'plain'),
        ('postal_code', 'text'),
        ('acquisition_channel', 'plain'),
        ('acquisition_campaign_id', 'plain'),
        ('signed_up_at', 'instant'),
        ('segment', 'plain'),
        ('has_consent', 'plain'),
    ]),
    ('products', ['product_id'], [
        ('product_id', 'plain'),
        ('name', 'plain'),
        ('category', 'plain'),
        ('subcategory', 'plain'),
        ('brand', 'plain'),
        ('unit_price', 'plain'),
        ('unit_cost', 'plain'),
        ('currency', 'plain'),
    ]),
    ('campaigns', ['campaign_id'], [
        ('campaign_id', 'plain'),
        ('name', 'plain'),
        ('channel', 'plain'),
        ('starts_at', 'instant'),
        ('ends_at', 'instant'),
        ('cost', 'plain'),
        ('currency', 'plain'),
    ]),
    ('campaign_members', ['campaign_id', 'customer_id'], [
        ('campaign_id', 'plain'),
        ('customer_id', 'pseudonym'),
        ('arm', 'plain'),
        ('assigned_at', 'instant'),
        ('responded_at', 'instant'),
        ('spend', 'plain'),
    ]),
] %}

-- The first rows of each source and raw table beside the orders, for the eye: one row a value, because the tables have
-- different columns. `customer_id` is the pseudonym of whom the sample is about; an erasure finds it by that.
{%- for table, key, columns in tables %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    n.source,
    '{{ table }}' AS table_name,
    n.sample_number::integer AS sample_number,
    {{ pseudonym('n.customer_id', 'p') if 'customer_id' in key else 'NULL' }} AS customer_id,
    k.column_number,
    k.column_name,
    left(k.value, 200) AS value
FROM (
    SELECT
        f.*,
        row_number() OVER (PARTITION BY f.source ORDER BY f.load_id, f.{{ key | join(', f.') }}) AS sample_number
    FROM (SELECT DISTINCT t.source FROM {{ raw_rows(table) }} AS t) AS s
    CROSS JOIN LATERAL (
        SELECT t.*
        FROM {{ raw_rows(table) }} AS t
        WHERE t.source = s.source
        ORDER BY t.load_id, t.{{ key | join(', t.') }}
        LIMIT {{ var('data_quality_sample_rows', 5) }}
    ) AS f
) AS n
CROSS JOIN {{ source('quintile', 'person_keys') }} AS p
CROSS JOIN LATERAL (
    VALUES
    {%- for name, way in columns %}
        ({{ loop.index }}, '{{ name }}',
            {%- if way == 'pseudonym' %} {{ pseudonym('n.' ~ name, 'p') }}
            {%- elif way == 'plain' %} n.{{ name }}::text
            {%- elif way == 'instant' %} (n.{{ name }} AT TIME ZONE 'UTC')::text
            {%- else %} {{ masked('n.' ~ name, way) }}
            {%- endif %}){{ ',' if not loop.last }}
    {%- endfor %}
) AS k (column_number, column_name, value)
{%- endfor %}
