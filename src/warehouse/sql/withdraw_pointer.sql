-- Forgets relation $2 of workspace $1, also in the publishes that could be gone back to.
WITH earlier AS (
    DELETE FROM quintile.published_relations WHERE workspace = $1 AND relation = $2
)
DELETE FROM quintile.live WHERE workspace = $1 AND relation = $2
RETURNING access
