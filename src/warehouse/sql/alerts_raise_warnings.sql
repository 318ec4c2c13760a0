-- Raises what readers see of early warnings in workspace $1, but for what was told of the same customer and kind within $2 days.
INSERT INTO quintile.alerts (workspace, run_id, kind, customer_id)
SELECT $1, w.run_id, w.kind, w.customer_id
FROM {marts}.early_warnings AS w
WHERE NOT EXISTS (
    SELECT FROM quintile.alerts AS a
    WHERE a.workspace = $1 AND a.customer_id = w.customer_id AND a.kind = w.kind
        AND (a.run_id = w.run_id OR a.raised_at > clock_timestamp() - make_interval(days => $2))
)
ORDER BY w.kind, w.rank
ON CONFLICT DO NOTHING
