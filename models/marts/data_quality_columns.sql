{{ config(materialized='table', indexes=[{'columns': ['source', 'column_name'], 'unique': true}], tags=['marts', 'quality']) }}

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
] %}

-- One row a source and column of raw.orders. It reads nothing but the raw table, so that `quintile profile` can ask it
-- before anything is built.
SELECT
    f.source,
    f.column_name,
    f.column_number,
    f.row_count AS line_count,
    f.null_count,
    f.null_share,
    f.distinct_count,
    f.minimum,
    f.maximum,
    f.is_personal,
    f.description
FROM (
    {{ column_figures('orders', columns) }}
) AS f
