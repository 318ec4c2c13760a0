SELECT to_jsonb(a) FROM quintile.alerts AS a WHERE a.workspace = $1 AND a.customer_id = ANY ($2) ORDER BY a.alert_id
