{{ config(materialized='materialized_view', indexes=[{'columns': ['status'], 'unique': true}]) }}
select status, count(*) as orders from {{ ref('by_default') }} group by status
