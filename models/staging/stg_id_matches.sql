{{ config(materialized='table', access='private', indexes=[{'columns': ['source', 'check_name'], 'unique': true}], tags=['staging', 'quality']) }}

-- Which ids of one raw table another one knows. Ids are those of the company and not of a file: what one source names,
-- another may describe. Made-up ids are left out, because no table can describe them. Nothing is read of the orders while
-- the table beside them is empty, and numbers compare faster than texts: equal hashes are equal ids but for one chance in
-- billions.
WITH ids AS (
    SELECT
        d.kind,
        d.source,
        d.id
    FROM {{ ref('stg_described_ids') }} AS d
),
buyers AS (
    SELECT
        v.source,
        v.value_hash AS id
    FROM {{ ref('stg_line_values') }} AS v
    WHERE v.column_name = 'customer_id'
        AND v.value_hash <> hashtextextended('', 0)
        AND v.known_lines > 0
        AND EXISTS (SELECT 1 FROM ids AS i WHERE i.kind IN ('customers', 'members'))
),
sold AS (
    SELECT
        v.source,
        v.value_hash AS id
    FROM {{ ref('stg_line_values') }} AS v
    WHERE v.column_name = 'product_id'
        AND v.value_hash <> hashtextextended('', 0)
        AND EXISTS (SELECT 1 FROM ids AS i WHERE i.kind = 'products')
),
{%- for name, kind in [('described', 'customers'), ('offered', 'products'), ('planned', 'campaigns'), ('targeted', 'members'), ('run', 'campaigns of members')] %}
{{ name }} AS (
    SELECT
        i.source,
        i.id
    FROM ids AS i
    WHERE i.kind = '{{ kind }}'
),
{%- endfor %}
persons AS (
    SELECT b.id FROM buyers AS b
    UNION
    SELECT d.id FROM described AS d
)
{%- for check, these, others in [
    ('customers_unknown', 'buyers', 'described'),
    ('customers_without_order', 'described', 'buyers'),
    ('products_unknown', 'sold', 'offered'),
    ('products_without_order', 'offered', 'sold'),
    ('members_unknown', 'targeted', 'persons'),
    ('members_without_order', 'targeted', 'buyers'),
    ('members_without_campaign', 'run', 'planned'),
    ('campaigns_without_member', 'planned', 'run'),
] %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    t.source,
    '{{ check }}' AS check_name,
    count(*) FILTER (WHERE k.id IS NULL) AS missing_ids,
    count(*) AS id_count
FROM {{ these }} AS t
LEFT JOIN (SELECT DISTINCT o.id FROM {{ others }} AS o) AS k
    ON k.id = t.id
{%- if check in ['customers_unknown'] %}
WHERE EXISTS (SELECT 1 FROM described)
{%- endif %}
GROUP BY t.source
{%- endfor %}
