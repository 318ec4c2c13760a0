{{ config(incremental_strategy='microbatch', event_time='ordered_at', begin='2024-01-01', batch_size='year', lookback=2) }}
select * from {{ ref('timed_orders') }}
