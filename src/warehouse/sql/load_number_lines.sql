-- Numbers the lines of orders that do not stand together in the file; until now they have their row's number.
UPDATE {raw}.{stage} AS s
SET line = n.position
FROM (
    SELECT
        ctid,
        row_number() OVER (PARTITION BY order_id ORDER BY line) AS position
    FROM {raw}.{stage}
) AS n
WHERE n.ctid = s.ctid
    AND n.position <> s.line
