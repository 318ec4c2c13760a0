-- A run that is taken up again has rows from its first attempt: the earliest counts. Nothing is noted while nobody notes which
-- order lines go ($3 is the schema of the raw tables).
UPDATE quintile.runs
SET sources_seen = COALESCE(sources_seen, $2::text::pg_snapshot)
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
