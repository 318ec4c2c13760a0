-- Order lines that a run of the snapshot [seen] and the instant [seen_from] did not see as they are now: lines that came since, by the
-- transaction that wrote them, and lines that were dated in the future then. `was_there` tells those that lay there already.
CREATE UNLOGGED TABLE {schema}.{lines} AS
SELECT o.*, NOT ([is_new]) AS was_there
FROM {raw}.orders AS o
WHERE ([is_new])
    OR (o.ordered_at >= [seen_from]::timestamptz AND o.ordered_at < [seen_to]::timestamptz)
