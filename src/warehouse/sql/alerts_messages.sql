-- What the warnings of run $1 about customers $2 (kinds $3) say, where the run is still shown.
SELECT w.kind, w.customer_id, w.message, w.value_at_stake::text AS value_at_stake, w.currency
FROM {marts}.early_warnings AS w
JOIN unnest($2::text[], $3::text[]) AS told (customer_id, kind) ON told.customer_id = w.customer_id AND told.kind = w.kind
WHERE w.run_id = $1
