-- Published runs of workspace $1 from whose state the history can tell: on the way to what is live, not turned away from.
SELECT r.run_id, r.as_of
FROM quintile.runs AS r
JOIN quintile.live AS l ON l.workspace = r.workspace AND l.relation = 'segment_history'
JOIN quintile.published_states AS live ON live.workspace = r.workspace AND live.is_live
WHERE r.workspace = $1
    AND r.published_at IS NOT NULL
    AND r.run_id BETWEEN (SELECT min(h.run_id) FROM {marts}.segment_transitions AS h) AND live.run_id
    AND r.run_id <> ALL (l.left_out)
    AND NOT EXISTS (
        SELECT FROM quintile.published_states AS s
        WHERE s.workspace = r.workspace AND s.run_id = r.run_id AND s.withdrawn_at IS NOT NULL
    )
ORDER BY r.run_id
