-- Quintile's own state. One schema for all workspaces; every row names its workspace.

-- One row a run. `as_of` is the instant that all of the run's rows are true for.
CREATE TABLE quintile.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'built', 'published', 'failed', 'interrupted')),
    trigger text NOT NULL,
    as_of timestamptz NOT NULL,
    lease text,
    fence bigint,
    process text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    published_at timestamptz,
    error text
);
CREATE INDEX runs_by_workspace ON quintile.runs (workspace, run_id DESC);

-- One row a model of a run. `store_relation` is the run's own table or view, without its schema.
CREATE TABLE quintile.run_models (
    run_id bigint NOT NULL REFERENCES quintile.runs ON DELETE CASCADE,
    model text NOT NULL,
    materialization text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'built', 'failed', 'skipped')),
    store_relation text,
    parent_relation text,
    row_count bigint,
    byte_count bigint,
    elapsed_ms bigint,
    fingerprint text NOT NULL,
    error text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (run_id, model)
);

-- One row a data test of a run.
CREATE TABLE quintile.run_tests (
    run_id bigint NOT NULL REFERENCES quintile.runs ON DELETE CASCADE,
    test text NOT NULL,
    model text NOT NULL,
    severity text NOT NULL,
    state text NOT NULL CHECK (state IN ('passed', 'warned', 'failed', 'errored')),
    failure_count bigint,
    elapsed_ms bigint,
    error text,
    PRIMARY KEY (run_id, test)
);

-- The pointers: which run's rows the public view of a relation shows.
CREATE TABLE quintile.live (
    workspace text NOT NULL,
    relation text NOT NULL,
    run_id bigint NOT NULL REFERENCES quintile.runs,
    previous_run_id bigint REFERENCES quintile.runs,
    materialization text NOT NULL,
    access text NOT NULL CHECK (access IN ('public', 'private')),
    parent_relation text,
    view_fingerprint text NOT NULL,
    fence bigint,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (workspace, relation)
);

-- Facts about what was fitted: centroids, parameters, log-likelihoods, reasons.
CREATE TABLE quintile.fits (
    run_id bigint NOT NULL REFERENCES quintile.runs ON DELETE CASCADE,
    model text NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (run_id, model)
);

-- Who leads. The fence grows with every change of holder; a write under an old fence is refused.
CREATE TABLE quintile.leases (
    lease text PRIMARY KEY,
    holder text NOT NULL,
    fence bigint NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- One row a due time of a job; the key makes a schedule fire once, whatever the number of daemons.
CREATE TABLE quintile.slots (
    workspace text NOT NULL,
    job text NOT NULL,
    scheduled_for timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'published', 'failed', 'skipped')),
    run_id bigint REFERENCES quintile.runs ON DELETE SET NULL,
    fence bigint NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    reason text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (workspace, job, scheduled_for)
);

-- Who did what: publishes, roll-backs, exports.
CREATE TABLE quintile.audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    workspace text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}'
);

-- The workspaces there are, for the page's selector.
CREATE TABLE quintile.workspaces (
    workspace text PRIMARY KEY,
    title text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
