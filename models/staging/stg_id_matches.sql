{{ config(materialized='table', access='private', indexes=[{'columns': ['source', 'check_name'], 'unique': true}], tags=['staging', 'quality']) }}

-- Which ids of one raw table another one knows. Ids are those of the company and not of a file: what one source names,
-- another may describe. Made-up ids are left out, because no table can describe them. Nothing is read of the orders while
-- the table beside them is empty, and numbers compare faster than texts: equal hashes are equal ids but for one chance in
-- billions.
WITH buyers AS (
    SELECT DISTINCT
        o.source,
        hashtextextended(o.customer_id, 0) AS id
    FROM {{ raw_rows('orders') }} AS o
    WHERE o.customer_id <> ''
        AND NOT o.id_is_synthetic
        AND (
            EXISTS (SELECT 1 FROM {{ raw_rows('customers') }})
            OR EXISTS (SELECT 1 FROM {{ raw_rows('campaign_members') }})
        )
),
sold AS (
    SELECT DISTINCT
        o.source,
        hashtextextended(o.product_id, 0) AS id
    FROM {{ raw_rows('orders') }} AS o
    WHERE o.product_id <> ''
        AND EXISTS (SELECT 1 FROM {{ raw_rows('products') }})
),
described AS (
    SELECT DISTINCT
        c.source,
        hashtextextended(c.customer_id, 0) AS id
    FROM {{ raw_rows('customers') }} AS c
),
offered AS (
    SELECT DISTINCT
        p.source,
        hashtextextended(p.product_id, 0) AS id
    FROM {{ raw_rows('products') }} AS p
),
targeted AS (
    SELECT DISTINCT
        m.source,
        hashtextextended(m.customer_id, 0) AS id
    FROM {{ raw_rows('campaign_members') }} AS m
),
run AS (
    SELECT DISTINCT
        m.source,
        hashtextextended(m.campaign_id, 0) AS id
    FROM {{ raw_rows('campaign_members') }} AS m
),
planned AS (
    SELECT DISTINCT
        c.source,
        hashtextextended(c.campaign_id, 0) AS id
    FROM {{ raw_rows('campaigns') }} AS c
),
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
