CREATE OR REPLACE VIEW {schema}.{view} AS
SELECT [columns]
FROM {store}.{parent}
WHERE run_id = (SELECT live.run_id FROM quintile.live AS live WHERE live.workspace = [workspace] AND live.relation = [relation])
