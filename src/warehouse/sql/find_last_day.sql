-- The end of the last complete day: a day of data is complete once it is over, so today never is.
SELECT least(
    (date_trunc('day', max(ordered_at) AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC',
    date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
)
FROM {raw}.orders
WHERE ordered_at < clock_timestamp()
