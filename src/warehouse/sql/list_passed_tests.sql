-- For each test that passed, in the form it had then, the newest run in which it did.
SELECT t.test, t.fingerprint, max(t.run_id) AS run_id
FROM quintile.run_tests AS t
JOIN quintile.runs AS r ON r.run_id = t.run_id
WHERE r.workspace = $1 AND t.state = 'passed' AND t.fingerprint IS NOT NULL
GROUP BY t.test, t.fingerprint
