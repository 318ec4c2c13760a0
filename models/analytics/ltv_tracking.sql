{{ config(materialized='table', indexes=[{'columns': ['week_number'], 'unique': true}], max_row_loss_share=1.0, tags=['analytics']) }}

-- Repeat purchases of all customers by week, actual against what the model of buying and leaving behind customer_ltv expects, each customer
-- from the own first purchase on. Weeks end on the weekday of the fit; after it both sides count from it on. A week outside its band at the end asks for a new fit.
WITH fit AS (
    SELECT
        f.facts,
        {{ last_day('l.as_of') }} AS last_date
    FROM (SELECT c.run_id, c.as_of FROM {{ ref('customer_ltv') }} AS c LIMIT 1) AS l
    INNER JOIN {{ source('quintile', 'fits') }} AS f
        ON f.run_id = l.run_id AND f.model = 'customer_ltv'
),
weeks AS (
    SELECT
        f.facts #>> '{tracking,estimator}' AS estimator,
        f.last_date - (f.facts #>> '{tracking,days_since}')::integer AS last_week_ends_on,
        jsonb_array_length(f.facts #> '{tracking,weeks}') AS last_week,
        w.*
    FROM fit AS f
    CROSS JOIN LATERAL jsonb_to_recordset(NULLIF(f.facts #> '{tracking,weeks}', 'null')) AS w (
        week integer, actual float8, expected float8, low float8, high float8, is_after_fit boolean
    )
)
SELECT
    w.week AS week_number,
    w.last_week_ends_on - 7 * (w.last_week - w.week) AS week_ends_on,
    w.estimator,
    w.actual - lag(w.actual, 1, 0::float8) OVER by_week AS purchases,
    w.expected - lag(w.expected, 1, 0::float8) OVER by_week AS expected_purchases,
    w.actual AS cumulative_purchases,
    w.expected AS expected_cumulative_purchases,
    w.low AS band_low,
    w.high AS band_high,
    NOT (w.actual BETWEEN w.low AND w.high) AS is_outside_band,
    w.is_after_fit
FROM weeks AS w
WINDOW by_week AS (ORDER BY w.week)
