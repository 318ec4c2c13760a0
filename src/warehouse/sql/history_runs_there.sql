-- Those of the runs $1 whose rows lie in the table.
SELECT run_id FROM unnest($1::bigint[]) AS run (run_id)
WHERE EXISTS (SELECT FROM {schema}.{history} AS h WHERE h.run_id = run.run_id)
