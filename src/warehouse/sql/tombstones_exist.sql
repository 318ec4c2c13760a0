-- Whether anybody was erased from source $2 of workspace $1.
SELECT EXISTS (
    SELECT FROM quintile.tombstones AS t WHERE t.workspace = $1 AND (t.source IS NULL OR t.source = $2)
)
