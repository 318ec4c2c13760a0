-- The facts behind the rows of model $2 that workspace $1 shows, under whichever version of its contract.
SELECT f.facts
FROM quintile.live AS l
INNER JOIN quintile.fits AS f ON f.run_id = l.run_id AND f.model = l.model
WHERE l.workspace = $1 AND l.model = $2
ORDER BY l.run_id DESC
LIMIT 1
