{{ config(alias='status names', tags=['nightly']) }}
select upper(status) as "Status Name" from {{ ref('statuses', v=2) }}
union all
select status from {{ ref('statuses', version=1) }} where status = {{ dbt.string_literal('open') }}
union all
select label from {{ source('lists', 'codes') }}
