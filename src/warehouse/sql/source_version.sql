-- Which rows a source has: their number, and the sum of the transactions that wrote them. Every insert, update,
-- delete, TRUNCATE and reload changes the pair; no statistics are trusted, which other sessions report late.
SELECT
    count(*)::text || ':'
    || coalesce(count(*)::numeric * (age('3'::xid) + 3) - sum(age(s.xmin)::numeric), 0)::text AS version
FROM {schema}.{table} AS s
