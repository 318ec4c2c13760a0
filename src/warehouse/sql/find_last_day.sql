-- The end of the last complete day; none without orders (least() alone would pass over the null).
-- A day of data is complete once it is over, so today never is; orders of the future do not count.
SELECT least(
    (date_trunc('day', newest.ordered_at AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC',
    date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
)
FROM (SELECT max(o.ordered_at) AS ordered_at FROM [orders] AS o WHERE o.ordered_at < clock_timestamp()) AS newest
WHERE newest.ordered_at IS NOT NULL
