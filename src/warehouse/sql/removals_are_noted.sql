-- Whether the triggers are there, and on, that keep which lines the orders of the schema [raw_name] lose.
(
    SELECT count(*) = 2
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid = to_regclass(format('%I.orders', [raw_name]))
        AND t.tgenabled = 'A'
        AND (t.tgname, t.tgfoid) IN (
            ('quintile_note_removed_by_truncate', to_regproc('quintile.note_removed')),
            ('quintile_note_removed_line', to_regproc('quintile.note_removed_line'))
        )
)
