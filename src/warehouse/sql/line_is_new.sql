-- Whether the row o of the orders was written by a transaction that the snapshot [seen] does not see. The first comparison is cheap, and
-- few rows pass it; then their transaction is put in full.
CASE
    WHEN [is_recent]
        THEN NOT pg_visible_in_snapshot(
            (
                (SELECT pg_snapshot_xmin([seen]::pg_snapshot)::text::bigint + age(pg_snapshot_xmin([seen]::pg_snapshot)::xid)) - age(o.xmin)
            )::text::xid8,
            [seen]::pg_snapshot
        )
    ELSE false
END
