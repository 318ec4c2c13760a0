-- An export leaves a row before its first byte leaves the house.
INSERT INTO quintile.audit_log (workspace, actor, action, facts)
VALUES ($1, 'dashboard', 'export', jsonb_build_object('relation', $2::text, 'rows', $3::bigint))
