-- Puts the rows of a SELECT into the clusters of an earlier fit, and tells how far from their centres they lie: run $1, as
-- of $2; means $3 and deviations $4 of the features, centroids $5 one after the other, numbers of the clusters $6.
-- OFFSET 0 keeps each step one of its own. Folded into one, every later mention of a distance or a logarithm is that
-- expression once more: a hundred logarithms for each customer in place of three.
WITH scores AS (
    SELECT
        f.{key}::text AS key,
        [scores]
    FROM (
[select]
    ) AS f
    OFFSET 0
),
distances AS (
    SELECT
        s.key,
        [distances]
    FROM scores AS s
    OFFSET 0
),
-- LEAST passes over nulls, which stand for a feature that is missing: such a row has no nearest centre.
nearest AS (
    SELECT
        d.*,
        CASE WHEN d.d1 IS NOT NULL THEN LEAST([all]) END AS first
    FROM distances AS d
    OFFSET 0
),
placed AS (
    SELECT
        n.key,
        n.first,
        CASE n.first [places] END AS place,
        LEAST([others]) AS second
    FROM nearest AS n
),
filled AS (
    INSERT INTO {store}.{table} (run_id, as_of, {key}, cluster_id, persona_confidence)
    SELECT
        $1::bigint,
        $2::timestamptz,
        p.key,
        ($6::integer[])[p.place],
        CASE WHEN p.second > 0 THEN 1 - sqrt(p.first / p.second) ELSE 1 END
    FROM placed AS p
)
SELECT
    count(*) AS row_count,
    -- A customer without a key or a feature is for the fit to tell.
    count(*) FILTER (WHERE p.key IS NULL OR p.place IS NULL OR NOT p.first < 'Infinity') AS unplaced,
    avg(p.first) AS mean_square
FROM placed AS p
