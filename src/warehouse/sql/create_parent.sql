-- One parent a model and shape; each run's table becomes a partition of it.
CREATE TABLE IF NOT EXISTS {schema}.{parent} (LIKE {schema}.{table}) PARTITION BY LIST (run_id)
