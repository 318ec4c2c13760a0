INSERT INTO quintile.audit_log (workspace, actor, action, facts) VALUES ($1, $2, $3, $4)
