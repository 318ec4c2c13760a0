-- That the rows of erased customers ($2) went is noted as of anybody: nobody is named, and the next run makes all anew, for sums
-- over customers hold what they brought.
UPDATE quintile.removed_rows SET customer_id = NULL, line = NULL WHERE schema_name = $1 AND customer_id = ANY ($2)
