-- The checks, what is wrong first.
SELECT
    q.source, q.check_name, q.failing_lines, q.line_count, q.failing_share, q.status, q.treatment, q.finding, q.is_blocking
FROM {marts}.data_quality AS q
ORDER BY array_position(ARRAY['error', 'warn', 'info', 'ok'], q.status), q.failing_share DESC NULLS LAST, q.source, q.check_name
