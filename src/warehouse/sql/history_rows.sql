SELECT [columns]
FROM {store}.{table}
WHERE run_id <= (SELECT live.run_id FROM quintile.live AS live WHERE live.workspace = [workspace] AND live.relation = [relation])
    AND run_id <> ALL (COALESCE((SELECT live.left_out FROM quintile.live AS live WHERE live.workspace = [workspace] AND live.relation = [relation]), '{}'))
