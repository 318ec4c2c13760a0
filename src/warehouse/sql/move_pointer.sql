-- Moves one pointer forward; never back.
INSERT INTO quintile.live (
    workspace, relation, run_id, materialization, access, parent_relation, view_fingerprint, fence, published_at,
    model, definition
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), $9, $10)
ON CONFLICT (workspace, relation) DO UPDATE
SET run_id = excluded.run_id,
    previous_run_id = live.run_id,
    materialization = excluded.materialization,
    access = excluded.access,
    parent_relation = excluded.parent_relation,
    view_fingerprint = excluded.view_fingerprint,
    fence = excluded.fence,
    published_at = excluded.published_at,
    model = excluded.model,
    definition = excluded.definition
WHERE live.run_id < excluded.run_id
