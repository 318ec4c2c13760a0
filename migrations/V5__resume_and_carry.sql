-- What a run needs to be taken up again after a crash, and a model to be left alone when nothing has changed.

-- `request` is what was asked for: only a run of the same request is taken up again. `attempt` counts the processes
-- that worked on the run.
ALTER TABLE quintile.runs
    ADD COLUMN request text,
    ADD COLUMN attempt integer NOT NULL DEFAULT 1;

-- `inputs` is a hash of all that the rows were made from; equal inputs make equal rows. `hidden_reads` names what the
-- model reads besides refs and declared sources: such a model is built every time. `carried_from` is the run whose
-- rows stay published because nothing has changed since.
ALTER TABLE quintile.run_models
    ADD COLUMN attempt integer NOT NULL DEFAULT 1,
    ADD COLUMN inputs text,
    ADD COLUMN hidden_reads text[] NOT NULL DEFAULT '{}',
    ADD COLUMN carried_from bigint REFERENCES quintile.runs ON DELETE SET NULL;
ALTER TABLE quintile.run_models DROP CONSTRAINT run_models_state_check;
ALTER TABLE quintile.run_models
    ADD CONSTRAINT run_models_state_check CHECK (state IN ('running', 'built', 'carried', 'failed', 'skipped'));

-- Hash of the test's SQL: a test that passed is asked again only when it or what it reads has changed.
ALTER TABLE quintile.run_tests ADD COLUMN fingerprint text;
