-- Customers whose id differs from $1 in capitals, blanks, leading zeros or a trailing ".0" (spreadsheets leave that) alone.
WITH spelt AS (
    SELECT
        t.customer_id::text AS customer_id,
        lower(regexp_replace(regexp_replace(btrim(t.customer_id::text), '\.0+$', ''), '^0+(?=.)', '')) AS core
    FROM {schema}.{relation} AS t
)
SELECT s.customer_id
FROM spelt AS s
WHERE s.core = lower(regexp_replace(regexp_replace(btrim($1), '\.0+$', ''), '^0+(?=.)', ''))
ORDER BY s.customer_id
LIMIT 5
