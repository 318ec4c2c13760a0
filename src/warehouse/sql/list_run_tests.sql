-- The data tests of run $1: those that matter first.
SELECT t.test, t.model, t.severity, t.state, t.failure_count, t.elapsed_ms, t.error
FROM quintile.run_tests AS t
WHERE t.run_id = $1
ORDER BY array_position(ARRAY['failed', 'errored', 'warned', 'passed'], t.state), t.test
