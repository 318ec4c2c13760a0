-- The run up to which history $2 of workspace $1 shows rows; it stays so until the transaction ends.
SELECT run_id FROM quintile.live WHERE workspace = $1 AND relation = $2 AND materialization = 'history' FOR UPDATE
