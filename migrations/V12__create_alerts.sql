-- What is to be told outside: one row a warning or failed run of a workspace, delivered once.

-- Rows of one `batch_id` go in one message, and in the same message again until it is answered well: it is the key by
-- which a receiver knows a message that comes twice. The id of the customer is the only thing about a person here.
CREATE TABLE quintile.alerts (
    alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace text NOT NULL,
    run_id bigint NOT NULL REFERENCES quintile.runs ON DELETE CASCADE,
    kind text NOT NULL,
    customer_id text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    batch_id bigint,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    delivered_at timestamptz
);
CREATE UNIQUE INDEX alerts_once_a_run ON quintile.alerts (workspace, run_id, kind, coalesce(customer_id, ''));
CREATE INDEX alerts_by_customer ON quintile.alerts (workspace, customer_id, kind);
CREATE INDEX alerts_waiting ON quintile.alerts (workspace, next_try_at) WHERE state = 'waiting';
