INSERT INTO quintile.job_sources (workspace, job, source, max_loaded_at, version)
SELECT $1, $2, s.source, s.max_loaded_at, s.version
FROM unnest($3::text[], $4::timestamptz[], $5::text[]) AS s (source, max_loaded_at, version)
ON CONFLICT (workspace, job, source) DO UPDATE SET max_loaded_at = excluded.max_loaded_at, version = excluded.version
