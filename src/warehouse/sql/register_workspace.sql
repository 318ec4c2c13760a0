INSERT INTO quintile.workspaces (workspace, title)
VALUES ($1, $2)
ON CONFLICT (workspace) DO UPDATE SET title = coalesce(excluded.title, workspaces.title)
