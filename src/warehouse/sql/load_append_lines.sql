-- Rows that come after the rest of their order follow its last line.
UPDATE {raw}.{stage} AS s
SET line = n.line
FROM (
    SELECT
        t.ctid,
        (COALESCE((SELECT max(o.line) FROM {raw}.{table} AS o WHERE o.source = $1 AND o.order_id = t.order_id), 0)
            + row_number() OVER (PARTITION BY t.order_id ORDER BY t.line))::integer AS line
    FROM {raw}.{stage} AS t
) AS n
WHERE n.ctid = s.ctid
