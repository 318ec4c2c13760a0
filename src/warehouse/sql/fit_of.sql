-- The facts that run $1 kept under the name $2.
SELECT f.facts
FROM quintile.fits AS f
WHERE f.run_id = $1 AND f.model = $2
