-- Runs between $1 and $2 whose rows lie in the table: nobody reads them on the way from one to the other.
SELECT DISTINCT run_id FROM {schema}.{history} WHERE run_id > $1 AND run_id < $2
