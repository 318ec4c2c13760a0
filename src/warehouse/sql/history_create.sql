-- One table a history and shape; the rows of all runs lie in it.
CREATE TABLE IF NOT EXISTS {schema}.{history} (LIKE {schema}.{table})
