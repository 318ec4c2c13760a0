DELETE FROM quintile.alerts WHERE workspace = $1 AND customer_id = ANY ($2)
