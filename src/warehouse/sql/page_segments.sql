-- Size and revenue of each segment; customers without scores come under no name.
SELECT
    s.segment,
    count(*) AS customers,
    COALESCE(sum(s.monetary::float8), 0) AS revenue
FROM {marts}.rfm_segments AS s
GROUP BY s.segment
ORDER BY revenue DESC, s.segment
