-- Customers whose order lines may not be those that a run of the snapshot [seen] and the instant [seen_from] saw: lines that
-- came since, by the transaction that wrote them, lines that were dated in the future then, and lines that are gone.
SELECT o.customer_id AS [key]
FROM {raw}.orders AS o
CROSS JOIN (
    SELECT
        s.seen,
        age(pg_snapshot_xmin(s.seen)::xid) AS seen_age,
        pg_snapshot_xmin(s.seen)::text::bigint AS seen_xmin
    FROM (SELECT [seen]::pg_snapshot AS seen) AS s
) AS b
WHERE o.customer_id <> ''
    AND (
        -- The first comparison is cheap, and few rows pass it; then their transaction is put in full.
        age(o.xmin) <= b.seen_age
            AND NOT pg_visible_in_snapshot((b.seen_xmin + b.seen_age - age(o.xmin))::text::xid8, b.seen)
        OR o.ordered_at >= [seen_from]::timestamptz AND o.ordered_at < [seen_to]::timestamptz
    )
UNION
SELECT r.customer_id
FROM quintile.removed_rows AS r
WHERE r.schema_name = [raw_name]
    AND r.table_name = 'orders'
    AND NOT pg_visible_in_snapshot(r.written_by, [seen]::pg_snapshot)
    AND r.customer_id IS NOT NULL
