-- What readers saw after each publish: what a roll-back restores and what garbage collection keeps.

-- The view's name need not be the model's: config(contract_version=2) publishes `customers` as `customers_v2`.
-- `definition` is the SELECT of a published view; null where the view shows the rows that the pointer names.
ALTER TABLE quintile.live
    ADD COLUMN model text,
    ADD COLUMN definition text;
UPDATE quintile.live SET model = relation;
ALTER TABLE quintile.live ALTER COLUMN model SET NOT NULL;

-- One row a publish that moved something. Exactly one of a workspace is live. Those that a roll-back turned away from
-- are `withdrawn_at`: a newer publish makes them garbage.
CREATE TABLE quintile.published_states (
    workspace text NOT NULL,
    run_id bigint NOT NULL REFERENCES quintile.runs,
    published_at timestamptz NOT NULL,
    is_live boolean NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (workspace, run_id)
);
CREATE UNIQUE INDEX live_published_state ON quintile.published_states (workspace) WHERE is_live;

-- One row a relation that the workspace showed then, also those that the run only carried: `shown_run_id` made them.
CREATE TABLE quintile.published_relations (
    workspace text NOT NULL,
    run_id bigint NOT NULL,
    relation text NOT NULL,
    model text NOT NULL,
    shown_run_id bigint NOT NULL REFERENCES quintile.runs,
    materialization text NOT NULL,
    access text NOT NULL CHECK (access IN ('public', 'private')),
    parent_relation text,
    definition text,
    PRIMARY KEY (workspace, run_id, relation),
    FOREIGN KEY (workspace, run_id) REFERENCES quintile.published_states ON DELETE CASCADE
);

-- Tables of the store that readers see no more, with the transactions that were open when that was first found: one of
-- them may still read the old pointer, and would find no rows if the table were gone.
CREATE TABLE quintile.superseded_tables (
    workspace text NOT NULL,
    table_name text NOT NULL,
    superseded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    open_transactions text[] NOT NULL,
    PRIMARY KEY (workspace, table_name)
);

-- What was published before: the publishes of which a table is still there.
INSERT INTO quintile.published_states (workspace, run_id, published_at, is_live, withdrawn_at)
SELECT
    r.workspace, r.run_id, r.published_at, r.run_id = newest.run_id,
    CASE WHEN r.run_id > newest.run_id THEN clock_timestamp() END
FROM quintile.runs AS r
JOIN (SELECT workspace, max(run_id) AS run_id FROM quintile.live GROUP BY workspace) AS newest
    ON newest.workspace = r.workspace
WHERE r.published_at IS NOT NULL
    AND (
        r.run_id = newest.run_id
        OR EXISTS (
            SELECT
            FROM quintile.run_models AS m
            JOIN pg_catalog.pg_class AS c ON c.relname = m.store_relation AND c.relkind = 'r'
            WHERE m.run_id = r.run_id AND m.parent_relation IS NOT NULL
        )
    );

-- A relation showed its newest rows of a run up to the publish. Definitions of views are not known from then: a
-- roll-back leaves those as they are.
INSERT INTO quintile.published_relations (
    workspace, run_id, relation, model, shown_run_id, materialization, access, parent_relation
)
SELECT
    s.workspace, s.run_id, l.relation, l.model, coalesce(shown.run_id, l.run_id), l.materialization, l.access,
    CASE WHEN shown.run_id IS NULL THEN l.parent_relation ELSE shown.parent_relation END
FROM quintile.published_states AS s
JOIN quintile.live AS l ON l.workspace = s.workspace
LEFT JOIN LATERAL (
    SELECT m.run_id, m.parent_relation
    FROM quintile.run_models AS m
    JOIN quintile.runs AS r ON r.run_id = m.run_id
    WHERE m.model = l.model AND m.state = 'built' AND m.run_id <= s.run_id
        AND r.workspace = s.workspace AND r.published_at IS NOT NULL AND NOT s.is_live
    ORDER BY m.run_id DESC
    LIMIT 1
) AS shown ON true
WHERE s.is_live OR shown.run_id IS NOT NULL;
