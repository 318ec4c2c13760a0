{{ config(materialized='table', access='private', indexes=[{'columns': ['source', 'table_name'], 'unique': true}], tags=['staging', 'quality']) }}

{#- A table, the key of its rows, the instant that tells how far it reaches, and one that cannot come before it. -#}
{%- set tables = [
    ('customers', ['customer_id'], 'signed_up_at', none),
    ('products', ['product_id'], none, none),
    ('campaigns', ['campaign_id'], 'starts_at', 'ends_at'),
    ('campaign_members', ['campaign_id', 'customer_id'], 'assigned_at', 'responded_at'),
] %}

-- What each source holds in the raw tables beside the orders, and what became of its files. A load keeps each key once; a
-- table that something else fills may not.
WITH counts AS (
    {%- for table, key, instant, later in tables %}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
        t.source,
        '{{ table }}' AS table_name,
        count(*) AS row_count,
        count(*) - count(DISTINCT hash_record_extended(ROW(t.{{ key | join(', t.') }}), 0)) AS repeated_rows,
        {{ 'count(*) FILTER (WHERE t.' ~ later ~ ' < t.' ~ instant ~ ')' if later else '0' }} AS reversed_rows,
        {%- if instant is none %}
        NULL::timestamptz AS first_at,
        NULL::timestamptz AS last_at,
        NULL::timestamptz AS last_seen_at
        {%- else %}
        min(t.{{ instant }}) AS first_at,
        max(t.{{ instant }}) AS last_at,
        max(t.{{ instant }}) FILTER (WHERE t.{{ instant }} < {{ as_of }}) AS last_seen_at
        {%- endif %}
    FROM {{ raw_rows(table) }} AS t
    GROUP BY t.source
    {%- endfor %}
),
standing AS (
    -- What is there came with the last load of each file that was carried through.
    SELECT DISTINCT ON (l.table_name, l.source, l.file_name)
        l.table_name,
        l.source,
        l.rows_read,
        l.rows_read - l.rows_loaded - l.rows_unchanged - l.rows_rejected - l.rows_erased AS rows_unaccounted
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.outcome IN ('loaded', 'unchanged')
        AND l.table_name <> 'orders'
    ORDER BY l.table_name, l.source, l.file_name, l.load_id DESC
),
files AS (
    SELECT
        s.table_name,
        s.source,
        sum(s.rows_read) AS rows_read,
        sum(s.rows_unaccounted) AS rows_unaccounted
    FROM standing AS s
    GROUP BY s.table_name, s.source
),
loads AS (
    SELECT
        l.table_name,
        l.source,
        max(l.finished_at) AS last_loaded_at
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.outcome <> 'failed'
        AND l.table_name <> 'orders'
    GROUP BY l.table_name, l.source
),
rejected AS (
    SELECT
        r.table_name,
        r.source,
        sum(r.row_count)::bigint AS rows_rejected
    FROM (
    {{ rejects() }}
    ) AS r
    WHERE r.table_name <> 'orders'
    GROUP BY r.table_name, r.source
)
SELECT
    n.source,
    n.table_name,
    n.row_count,
    n.repeated_rows,
    n.reversed_rows,
    n.first_at,
    n.last_at,
    CASE WHEN n.last_seen_at IS NOT NULL THEN GREATEST(0, {{ last_day(as_of) }} - {{ day_of('n.last_seen_at') }}) END AS freshness_days,
    l.last_loaded_at,
    COALESCE(f.rows_read, 0)::bigint AS rows_read,
    COALESCE(r.rows_rejected, 0) AS rows_rejected,
    COALESCE(f.rows_unaccounted, 0)::bigint AS rows_unaccounted
FROM counts AS n
LEFT JOIN files AS f
    ON f.table_name = n.table_name
        AND f.source = n.source
LEFT JOIN loads AS l
    ON l.table_name = n.table_name
        AND l.source = n.source
LEFT JOIN rejected AS r
    ON r.table_name = n.table_name
        AND r.source = n.source
