INSERT INTO quintile.job_sources (workspace, job, source, max_loaded_at)
SELECT $1, $2, s.source, s.max_loaded_at
FROM unnest($3::text[], $4::timestamptz[]) AS s (source, max_loaded_at)
ON CONFLICT (workspace, job, source) DO UPDATE SET max_loaded_at = excluded.max_loaded_at
