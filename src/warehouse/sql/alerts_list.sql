-- The newest $2 alerts of workspace $1; those of state $3 unless it is null.
SELECT alert_id, run_id, kind, customer_id, state, raised_at, batch_id, tries, last_error, delivered_at
FROM quintile.alerts
WHERE workspace = $1 AND ($3::text IS NULL OR state = $3)
ORDER BY alert_id DESC
LIMIT $2
