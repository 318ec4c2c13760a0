-- Histories of workspace $1 that are shown, or can be shown again: by model.
SELECT model FROM quintile.live WHERE workspace = $1 AND materialization = 'history'
UNION
SELECT model FROM quintile.published_relations WHERE workspace = $1 AND materialization = 'history'
