-- The newest order of workspace $1 at version $2 of its orders. One of the future is no answer: the newest before it is not
-- known.
SELECT n.ordered_at
FROM quintile.newest_orders AS n
WHERE n.workspace = $1 AND n.version = $2 AND n.ordered_at < clock_timestamp()
