-- The cells of the newest cohorts, in the order of the heat map.
SELECT c.cohort_month, c.period_n::integer AS period_n, c.cohort_size::bigint AS cohort_size, c.active_share::float8 AS active_share, c.is_complete
FROM {marts}.cohort_cells AS c
WHERE c.cohort_month > (SELECT max(m.cohort_month) FROM {marts}.cohort_cells AS m) - INTERVAL '18 months' AND c.period_n <= 17
ORDER BY c.cohort_month, c.period_n
