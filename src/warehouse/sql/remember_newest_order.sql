INSERT INTO quintile.newest_orders (workspace, version, ordered_at)
VALUES ($1, $2, $3)
ON CONFLICT (workspace) DO UPDATE SET version = excluded.version, ordered_at = excluded.ordered_at
