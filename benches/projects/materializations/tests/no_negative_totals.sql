{{ config(severity='error', fail_calc='coalesce(sum(total), 0)') }}
select total from {{ ref('order_totals') }} where total < 0
