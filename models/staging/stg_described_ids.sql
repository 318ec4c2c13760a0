{{ config(materialized='table', access='private', tags=['staging', 'quality']) }}

{#- What is known, the raw table that tells it, and the column of its id. -#}
{%- set kinds = [
    ('customers', 'customers', 'customer_id'),
    ('products', 'products', 'product_id'),
    ('campaigns', 'campaigns', 'campaign_id'),
    ('members', 'campaign_members', 'customer_id'),
    ('campaigns of members', 'campaign_members', 'campaign_id'),
] %}

-- The ids in the raw tables beside the orders, which rarely change when orders do. Numbers compare faster than texts: equal hashes are
-- equal ids but for one chance in billions.
{%- for kind, table, column in kinds %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    '{{ kind }}' AS kind,
    t.source,
    hashtextextended(t.{{ column }}, 0) AS id
FROM {{ raw_rows(table) }} AS t
GROUP BY t.source, hashtextextended(t.{{ column }}, 0)
{%- endfor %}
