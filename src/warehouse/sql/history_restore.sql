-- Histories of workspace $1 leave out again what they left out in the state of run $2.
UPDATE quintile.live AS l
SET left_out = p.left_out
FROM quintile.published_relations AS p
WHERE l.workspace = $1 AND p.workspace = $1 AND p.run_id = $2 AND p.relation = l.relation
