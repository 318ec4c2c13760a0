-- Lets ATTACH PARTITION trust the rows instead of scanning them under a lock. A pointer view shows one of [kept] runs,
-- and the planner cannot know which: told that there are so many, it expects the rows of one, not of all together.
ALTER TABLE {schema}.{table}
    ALTER COLUMN run_id SET NOT NULL,
    ALTER COLUMN run_id SET (n_distinct = [kept]),
    ALTER COLUMN as_of SET NOT NULL,
    ADD CONSTRAINT [constraint] CHECK (run_id IS NOT NULL AND run_id = [run_id])
