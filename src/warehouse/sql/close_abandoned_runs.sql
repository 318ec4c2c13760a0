-- Runs whose process died: we hold the workspace's lease, so nobody else works on them.
UPDATE quintile.runs
SET state = 'interrupted', error = 'the process ended without a word', finished_at = clock_timestamp()
WHERE workspace = $1 AND state = 'running'
