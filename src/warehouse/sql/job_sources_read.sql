SELECT source, max_loaded_at, version
FROM quintile.job_sources
WHERE workspace = $1 AND job = $2
