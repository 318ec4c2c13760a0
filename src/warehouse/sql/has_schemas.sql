SELECT count(*) = 3 FROM pg_catalog.pg_namespace WHERE nspname IN ($1, $2, $3)
