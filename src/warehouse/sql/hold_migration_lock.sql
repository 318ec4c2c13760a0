-- One process at a time; the lock goes with the transaction. Any constant serves, as long as all use the same one.
SELECT pg_advisory_xact_lock(x'5155494e54494c45'::bigint)
