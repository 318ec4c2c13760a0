-- Whether the id $1 was made up for people whom nobody knows.
SELECT coalesce(bool_or(o.id_is_synthetic), false)
FROM {raw}.orders AS o
WHERE o.customer_id = $1 AND ($2::text IS NULL OR o.source = $2)
