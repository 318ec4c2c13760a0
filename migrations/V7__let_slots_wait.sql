-- Slots that wait: for their turn after a downtime, behind a run of their own job, or because somebody asked for a run.
-- A slot names the lease beside its fence: fences of different leases cannot be compared.
ALTER TABLE quintile.slots
    ADD COLUMN lease text,
    ADD COLUMN trigger text NOT NULL DEFAULT 'schedule' CHECK (trigger IN ('schedule', 'manual')),
    ADD COLUMN request_id text,
    -- Waits behind a run of its own job (overlap = "queue_one"): a newer one takes its place.
    ADD COLUMN is_queued boolean NOT NULL DEFAULT false,
    ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    DROP CONSTRAINT slots_state_check,
    ADD CONSTRAINT slots_state_check CHECK (state IN ('waiting', 'running', 'published', 'failed', 'skipped')),
    ALTER COLUMN fence DROP NOT NULL,
    ALTER COLUMN attempt SET DEFAULT 0,
    ALTER COLUMN started_at DROP NOT NULL,
    ALTER COLUMN started_at DROP DEFAULT;

-- Several could be left running by leaders that died one after the other; only the newest is worth another attempt.
UPDATE quintile.slots AS older
SET state = 'skipped', reason = 'superseded by a newer due time', finished_at = clock_timestamp()
WHERE older.state = 'running'
    AND EXISTS (
        SELECT FROM quintile.slots AS newer
        WHERE newer.workspace = older.workspace AND newer.job = older.job AND newer.state = 'running'
            AND newer.scheduled_for > older.scheduled_for
    );

-- Never two runs of one job, whoever claims them.
CREATE UNIQUE INDEX slots_one_at_work ON quintile.slots (workspace, job) WHERE state = 'running';
-- Who asks for a run that is waiting already gets that one.
CREATE UNIQUE INDEX slots_one_request_waits ON quintile.slots (workspace, job)
WHERE state = 'waiting' AND trigger = 'manual';
CREATE UNIQUE INDEX slots_by_request ON quintile.slots (workspace, job, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX slots_open ON quintile.slots (workspace, job, scheduled_for) WHERE state IN ('waiting', 'running');

-- What a job knew of its sources: an instant where they tell how new they are, else a text that changes with them.
ALTER TABLE quintile.job_sources
    ADD COLUMN version text,
    ALTER COLUMN max_loaded_at DROP NOT NULL;
