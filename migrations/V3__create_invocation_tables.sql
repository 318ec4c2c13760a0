-- What ran of dbt projects, so that `retry` and `runs` need no file of an earlier machine.

-- One row a command that ran nodes.
CREATE TABLE quintile.invocations (
    invocation_id text PRIMARY KEY,
    project text NOT NULL,
    target_schema text NOT NULL,
    command text NOT NULL,
    -- Options to run it again with; secrets are left out.
    arguments jsonb NOT NULL,
    -- Ids of the nodes that it set out to run: what has no result when it ends was never reached.
    selected text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'success', 'error', 'interrupted')),
    process text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    error text
);
CREATE INDEX invocations_by_project ON quintile.invocations (project, target_schema, started_at DESC);

-- One row a node that came to an end, written together when the command ends.
CREATE TABLE quintile.invocation_results (
    invocation_id text NOT NULL REFERENCES quintile.invocations ON DELETE CASCADE,
    unique_id text NOT NULL,
    status text NOT NULL,
    message text NOT NULL,
    failure_count bigint,
    row_count bigint,
    elapsed_seconds double precision NOT NULL,
    relation text,
    PRIMARY KEY (invocation_id, unique_id)
);

-- How new each source was when a scheduled job last ended well: a job that waits for news compares with it.
CREATE TABLE quintile.job_sources (
    workspace text NOT NULL,
    job text NOT NULL,
    source text NOT NULL,
    max_loaded_at timestamptz NOT NULL,
    PRIMARY KEY (workspace, job, source)
);
