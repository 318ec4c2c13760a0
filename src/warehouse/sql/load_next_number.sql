-- The number of a new load, and its beginning. Loads of a table wait for each other before they take one, so numbers follow commits.
SELECT nextval(pg_get_serial_sequence($1, 'load_id')), clock_timestamp()
