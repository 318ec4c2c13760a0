-- Scores customers: run $4, as of $5, margin $6, whether dropout is identified $7 and whether the process tells purchases $8;
-- level and shape of the calibration of churn $9, null where the process tells it itself.
[priced],
worth AS (
    SELECT
        l.*,
        [purchase_value] AS purchase_value
    FROM lives AS l[levels]
)
INSERT INTO {store}.{table} (run_id, as_of, {key}, [columns])
SELECT
    $4::bigint,
    $5::timestamptz,
    w.key,
    [values]
FROM worth AS w
