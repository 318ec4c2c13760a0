{{ config(materialized='table', access='private', indexes=[{'columns': ['source'], 'unique': true}], tags=['staging', 'quality']) }}

-- What became of the files of each source's orders, how the newest load compares with those before, and how many lines of the day of
-- as_of lie after it: none where the run ends with a day, and then no line is read.
WITH standing AS (
    -- Every load is recorded; what is there came with the last one of each file that was carried through.
    SELECT DISTINCT ON (l.source, l.file_name)
        l.source,
        l.rows_read,
        l.rows_read - l.rows_loaded - l.rows_unchanged - l.rows_rejected - l.rows_erased AS rows_unaccounted
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.outcome IN ('loaded', 'unchanged')
        AND l.table_name = 'orders'
    ORDER BY l.source, l.file_name, l.load_id DESC
),
loads AS (
    SELECT
        s.source,
        sum(s.rows_read) AS rows_read,
        sum(s.rows_unaccounted) AS rows_unaccounted
    FROM standing AS s
    GROUP BY s.source
),
rejected AS (
    SELECT
        r.source,
        sum(r.row_count)::bigint AS rows_rejected
    FROM (
    {{ rejects() }}
    ) AS r
    WHERE r.table_name = 'orders'
    GROUP BY r.source
),
ranked AS (
    SELECT
        l.source,
        l.rows_read,
        row_number() OVER (PARTITION BY l.source ORDER BY l.load_id DESC) AS age
    FROM {{ raw_rows('loads') }} AS l
    WHERE l.table_name = 'orders'
        AND l.outcome = 'loaded'
),
medians AS (
    SELECT
        r.source,
        count(*) AS earlier_loads,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.rows_read) AS usual_rows
    FROM ranked AS r
    WHERE r.age > 1
    GROUP BY r.source
),
-- Median and median deviation, because one wrong load among those before must not hide the next. Loads that never
-- differed would make any difference infinite: a twentieth of their size counts as usual.
volumes AS (
    SELECT
        n.source,
        n.rows_read AS newest_rows,
        m.earlier_loads,
        m.usual_rows,
        greatest(1.4826 * d.deviation, 0.05 * m.usual_rows, 1) AS spread
    FROM ranked AS n
    JOIN medians AS m
        ON m.source = n.source
    CROSS JOIN LATERAL (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(e.rows_read - m.usual_rows)) AS deviation
        FROM ranked AS e
        WHERE e.source = n.source
            AND e.age > 1
    ) AS d
    WHERE n.age = 1
),
later AS (
    SELECT
        o.source,
        count(*) AS line_count
    FROM {{ raw_rows('orders') }} AS o
    WHERE o.ordered_at >= {{ as_of }}
        AND {{ day_of('o.ordered_at') }} = {{ day_of(as_of) }}
        AND {{ last_day(as_of) }} = {{ day_of(as_of) }}
    GROUP BY o.source
),
sources AS (
    SELECT l.source FROM loads AS l
    UNION
    SELECT r.source FROM rejected AS r
    UNION
    SELECT v.source FROM volumes AS v
    UNION
    SELECT t.source FROM later AS t
)
SELECT
    s.source,
    COALESCE(l.rows_read, 0) AS rows_read,
    COALESCE(r.rows_rejected, 0) AS rows_rejected,
    COALESCE(l.rows_unaccounted, 0) AS rows_unaccounted,
    v.newest_rows,
    COALESCE(v.earlier_loads, 0) AS earlier_loads,
    v.usual_rows,
    CASE WHEN v.earlier_loads >= 5 THEN (v.newest_rows - v.usual_rows) / v.spread END AS volume_z,
    COALESCE(t.line_count, 0) AS later_lines
FROM sources AS s
LEFT JOIN loads AS l
    ON l.source = s.source
LEFT JOIN rejected AS r
    ON r.source = s.source
LEFT JOIN volumes AS v
    ON v.source = s.source
LEFT JOIN later AS t
    ON t.source = s.source
