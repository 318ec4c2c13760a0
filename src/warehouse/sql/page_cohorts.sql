-- The cells of the newest monthly cohorts, in the order of the heat map.
SELECT
    c.cohort_start_date AS cohort_month, c.period_n::integer AS period_n, c.cohort_size::bigint AS cohort_size,
    c.active_share::float8 AS active_share, c.is_complete
FROM {marts}.cohort_cells AS c
WHERE c.grain = 'month' AND c.basis = 'calendar' AND c.dimension = 'all' AND c.period_n <= 17
    AND c.cohort_start_date > (
        SELECT max(m.cohort_start_date)
        FROM {marts}.cohort_cells AS m
        WHERE m.grain = 'month' AND m.basis = 'calendar' AND m.dimension = 'all'
    ) - INTERVAL '18 months'
ORDER BY c.cohort_start_date, c.period_n
