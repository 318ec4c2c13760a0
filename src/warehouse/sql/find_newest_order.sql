-- The newest order of all, and the newest that does not lie in the future.
SELECT
    max(o.ordered_at) AS newest,
    max(o.ordered_at) FILTER (WHERE o.ordered_at < clock_timestamp()) AS before_now
FROM [orders] AS o
