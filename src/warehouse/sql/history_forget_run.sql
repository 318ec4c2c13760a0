-- An earlier attempt at the same run may have come so far.
DELETE FROM {schema}.{history} WHERE run_id = $1
