-- A row if the run was published in the workspace.
SELECT 1 FROM quintile.runs WHERE workspace = $1 AND run_id = $2 AND published_at IS NOT NULL
