SELECT
    set_config('client_connection_check_interval', '1000', true),
    set_config('tcp_keepalives_idle', '10', true),
    set_config('tcp_keepalives_interval', '5', true),
    set_config('tcp_keepalives_count', '3', true)
WHERE version() LIKE '%linux%'
