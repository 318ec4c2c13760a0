-- Runs whose process died: we hold the workspace's lease under fence $2, so nobody works on a run of an older fence.
-- A process that lost the lease meanwhile leaves the run of the next holder alone. $3 is the run to be taken up again.
UPDATE quintile.runs
SET state = 'interrupted', error = 'the process ended without a word', finished_at = clock_timestamp()
WHERE workspace = $1 AND state = 'running' AND coalesce(fence, 0) < $2 AND run_id IS DISTINCT FROM $3
