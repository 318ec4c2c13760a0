-- The number under which the server can tell later whether this transaction took place.
SELECT pg_current_xact_id()::text
