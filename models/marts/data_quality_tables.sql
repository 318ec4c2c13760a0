{{ config(materialized='table', indexes=[{'columns': ['source', 'table_name'], 'unique': true}], tags=['marts', 'quality']) }}

-- One row a source and raw table beside the orders: how much there is, from when to when, how much of it was refused, and
-- how it fits the orders.
SELECT
    f.source,
    f.table_name,
    f.row_count,
    f.repeated_rows,
    {{ day_of('f.first_at') }} AS first_date,
    {{ day_of('f.last_at') }} AS last_date,
    f.freshness_days,
    f.last_loaded_at,
    f.rows_read,
    f.rows_rejected,
    (f.rows_rejected / NULLIF(f.rows_read, 0)::numeric)::float8 AS rejected_share,
    m.id_count,
    m.missing_ids AS ids_without_order,
    (m.missing_ids / NULLIF(m.id_count, 0)::numeric)::float8 AS ids_without_order_share
FROM {{ ref('stg_table_facts') }} AS f
LEFT JOIN {{ ref('stg_id_matches') }} AS m
    ON m.source = f.source
        AND m.check_name = CASE f.table_name
            WHEN 'customers' THEN 'customers_without_order'
            WHEN 'products' THEN 'products_without_order'
            WHEN 'campaign_members' THEN 'members_without_order'
        END
