-- The customers of a SELECT without predictions, which the data cannot support: run $1, as of $2.
INSERT INTO {store}.{table} (run_id, as_of, {key}, is_dropout_identified[carried_names])
SELECT
    $1::bigint,
    $2::timestamptz,
    f.{key}::text,
    false[carried]
FROM (
[select]
) AS f
