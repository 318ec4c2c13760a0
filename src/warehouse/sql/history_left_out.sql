-- All runs that some state of history $2 of workspace $1 leaves out.
SELECT DISTINCT unnest(left_out) AS run_id FROM quintile.live WHERE workspace = $1 AND model = $2
UNION
SELECT DISTINCT unnest(left_out) FROM quintile.published_relations WHERE workspace = $1 AND model = $2
