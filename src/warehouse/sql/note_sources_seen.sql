-- A run that is taken up again has rows from its first attempt: the earliest counts. Nothing is noted while nobody notes which
-- order lines go.
UPDATE quintile.runs
SET sources_seen = COALESCE(sources_seen, $2::text::pg_snapshot)
WHERE run_id = $1
    AND [removals_are_noted]
