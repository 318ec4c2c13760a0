-- The end of the last complete day, of which $1 is the newest order: a day is complete once it is over, so today never is.
SELECT least(
    (date_trunc('day', $1::timestamptz AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC',
    date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
)
