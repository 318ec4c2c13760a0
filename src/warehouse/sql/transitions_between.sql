-- Who went from where to where in scheme $1 between the states of runs $2 and $3: only rows of the runs between are read
-- for those who moved, and the members at the beginning are counted from the rows before.
WITH moves AS (
    SELECT
        h.customer_id,
        (array_agg(h.from_segment ORDER BY h.run_id))[1] AS from_segment,
        (array_agg(h.to_segment ORDER BY h.run_id DESC))[1] AS to_segment,
        (array_agg(h.revenue ORDER BY h.run_id DESC))[1] AS revenue
    FROM {marts}.segment_history AS h
    WHERE h.scheme = $1 AND h.run_id > $2 AND h.run_id <= $3
    GROUP BY h.customer_id
),
moved AS (
    SELECT m.from_segment, m.to_segment, count(*) AS customer_count, sum(m.revenue) AS revenue
    FROM moves AS m
    WHERE m.from_segment IS DISTINCT FROM m.to_segment
    GROUP BY m.from_segment, m.to_segment
),
members AS (
    SELECT h.segment, sum(CASE h.event WHEN 'enter' THEN 1 ELSE -1 END) AS customer_count
    FROM {marts}.segment_history AS h
    WHERE h.scheme = $1 AND h.run_id <= $2
    GROUP BY h.segment
),
stayed AS (
    SELECT
        b.segment,
        b.customer_count - coalesce(
            (SELECT sum(m.customer_count) FROM moved AS m WHERE m.from_segment = b.segment), 0
        ) AS customer_count
    FROM members AS b
)
SELECT from_segment, to_segment, customer_count::bigint AS customer_count, revenue::text AS revenue
FROM moved
UNION ALL
SELECT segment, segment, customer_count::bigint, NULL
FROM stayed
WHERE customer_count > 0
ORDER BY from_segment NULLS FIRST, to_segment NULLS LAST
