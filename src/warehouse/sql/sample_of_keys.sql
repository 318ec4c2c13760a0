-- The rows of a SELECT whose key is among a share of all, by a hash: the same keys in every run.
SELECT s.*
FROM (
[select]
) AS s
WHERE (hashtext(s.{key}::text) & 1048575)::float8 < [share]::float8 * 1048576
