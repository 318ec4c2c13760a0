-- Lets ATTACH PARTITION trust the rows instead of scanning them under a lock.
ALTER TABLE {schema}.{table}
    ALTER COLUMN run_id SET NOT NULL,
    ALTER COLUMN as_of SET NOT NULL,
    ADD CONSTRAINT [constraint] CHECK (run_id IS NOT NULL AND run_id = [run_id])
