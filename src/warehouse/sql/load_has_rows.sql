-- Whether a row of this source is there.
SELECT EXISTS (SELECT 1 FROM {raw}.{table} WHERE source = $1)
