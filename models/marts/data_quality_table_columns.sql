{{ config(materialized='table', indexes=[{'columns': ['source', 'table_name', 'column_name'], 'unique': true}], tags=['marts', 'quality']) }}

{%- set tables = [
    ('customers', [
        ('customer_id', 'person'),
        ('email', 'person'),
        ('name', 'person'),
        ('phone', 'person'),
        ('birth_date', 'person date'),
        ('gender', 'text'),
        ('city', 'person'),
        ('region', 'text'),
        ('country', 'text'),
        ('postal_code', 'person'),
        ('acquisition_channel', 'text'),
        ('acquisition_campaign_id', 'text'),
        ('signed_up_at', 'timestamptz'),
        ('segment', 'text'),
        ('has_consent', 'boolean'),
    ]),
    ('products', [
        ('product_id', 'text'),
        ('name', 'text'),
        ('category', 'text'),
        ('subcategory', 'text'),
        ('brand', 'text'),
        ('unit_price', 'numeric'),
        ('unit_cost', 'numeric'),
        ('currency', 'text'),
    ]),
    ('campaigns', [
        ('campaign_id', 'text'),
        ('name', 'text'),
        ('channel', 'text'),
        ('starts_at', 'timestamptz'),
        ('ends_at', 'timestamptz'),
        ('cost', 'numeric'),
        ('currency', 'text'),
    ]),
    ('campaign_members', [
        ('campaign_id', 'text'),
        ('customer_id', 'person'),
        ('arm', 'text'),
        ('assigned_at', 'timestamptz'),
        ('responded_at', 'timestamptz'),
        ('spend', 'numeric'),
    ]),
] %}

-- One row a source, raw table and column, for the tables that data_quality_columns does not tell of. It reads nothing but
-- these, so that `quintile profile` can ask it before anything is built.
{%- for table, columns in tables %}
{{ 'UNION ALL' if not loop.first }}
SELECT
    f.source,
    '{{ table }}' AS table_name,
    f.column_name,
    f.column_number,
    f.row_count,
    f.null_count,
    f.null_share,
    f.distinct_count,
    f.minimum,
    f.maximum,
    f.is_personal,
    f.description
FROM (
    {{ column_figures(table, columns) }}
) AS f
{%- endfor %}
