-- How this session reaches the server: of a session through a pooler it is the pooler's own way.
SELECT coalesce((SELECT version || ', ' || cipher FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), 'none')
