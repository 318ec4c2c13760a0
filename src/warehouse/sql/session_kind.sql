-- Whether the server is a standby, and whether a transaction may only read: what target_session_attrs asks.
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')
