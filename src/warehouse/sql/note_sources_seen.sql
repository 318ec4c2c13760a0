-- A run that is taken up again has rows from its first attempt: the earliest counts. Nothing is noted while nobody notes which
-- order lines go ($3 is the schema of the raw tables). Of the transactions that were under way, those of other databases are
-- left out: they wrote no orders here.
UPDATE quintile.runs
SET sources_seen = COALESCE(
    sources_seen,
    (
        SELECT
            format(
                '%s:%s:%s',
                COALESCE(min(r.xid), pg_snapshot_xmax($2::text::pg_snapshot)),
                pg_snapshot_xmax($2::text::pg_snapshot),
                string_agg(r.xid::text, ',' ORDER BY r.xid)
            )::pg_snapshot
        FROM pg_snapshot_xip($2::text::pg_snapshot) AS r (xid)
        WHERE NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_locks AS l
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
            JOIN pg_catalog.pg_database AS d ON d.oid = a.datid
            WHERE l.locktype = 'transactionid' AND l.granted AND l.transactionid = r.xid::xid
                AND d.datname <> current_database()
        )
    )
)
WHERE run_id = $1
    AND (
        SELECT count(*) = 2
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = to_regclass(format('%I.orders', $3::text))
            AND t.tgenabled = 'A'
            AND (t.tgname, t.tgfoid) IN (
                ('quintile_note_removed_by_truncate', to_regproc('quintile.note_removed')),
                ('quintile_note_removed_line', to_regproc('quintile.note_removed_line'))
            )
    )
