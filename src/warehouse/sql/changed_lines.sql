-- Order lines that a run of the snapshot [seen] and the instant [seen_from] did not see as they are now: lines that came since, by the
-- transaction that wrote them, and lines that were dated in the future then. `was_there` tells those that lay there already.
-- A snapshot knows the transactions that were under way, and not their parts (savepoints): what was written beside one, and seems to have
-- been seen, is doubtful.
CREATE UNLOGGED TABLE {schema}.{lines} AS
SELECT o.*, NOT ([is_new]) AS was_there, [is_recent] AND NOT ([is_new]) AS is_doubtful
FROM {raw}.orders AS o
WHERE [is_recent]
    OR (o.ordered_at >= [seen_from]::timestamptz AND o.ordered_at < [seen_to]::timestamptz)
