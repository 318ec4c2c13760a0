-- A batch as it ended. A failed try leaves the record of an earlier success: its rows are still there.
INSERT INTO quintile.batches AS b (
    workspace, relation, batch_start, batch_end, state, run, row_count, fingerprint, as_of
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (workspace, relation, batch_start) DO UPDATE
SET batch_end = excluded.batch_end, state = excluded.state, run = excluded.run, row_count = excluded.row_count,
    fingerprint = excluded.fingerprint, as_of = excluded.as_of, finished_at = clock_timestamp()
WHERE excluded.state = 'built' OR b.state <> 'built'
