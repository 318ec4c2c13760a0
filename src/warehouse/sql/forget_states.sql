-- Forgets the publishes of workspace $1 that nobody can go back to any more. The live one stays, the newest $2 stay,
-- and those after the live one, so that a roll-back can be taken back. Turned away from and older than the live one,
-- a publish counts no more.
DELETE FROM quintile.published_states AS s
USING quintile.published_states AS live
WHERE s.workspace = $1
    AND live.workspace = $1
    AND live.is_live
    AND s.run_id < live.run_id
    AND (
        s.withdrawn_at IS NOT NULL
        OR $2::bigint <= (
            SELECT count(*)
            FROM quintile.published_states AS newer
            WHERE newer.workspace = $1 AND newer.run_id > s.run_id AND newer.withdrawn_at IS NULL
        )
    )
