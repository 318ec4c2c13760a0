ALTER TABLE {schema}.{parent} ATTACH PARTITION {schema}.{table} FOR VALUES IN ([run_id])
