{{ config(materialized='table', access='private', tags=['staging', 'quality']) }}

-- What the columns of raw.orders mean, by the comments on them.
SELECT
    a.attname::text AS column_name,
    pg_catalog.col_description(a.attrelid, a.attnum) AS description
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = '{{ source('raw', 'orders') }}'::regclass
    AND a.attnum > 0
