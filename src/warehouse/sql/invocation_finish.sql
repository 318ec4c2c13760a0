-- Ends an invocation and writes all its results; what ended a quarter of a year ago is forgotten.
WITH finished AS (
    UPDATE quintile.invocations
    SET state = $2, error = $3, finished_at = clock_timestamp()
    WHERE invocation_id = $1
    RETURNING project, target_schema
), forgotten AS (
    DELETE FROM quintile.invocations AS old
    USING finished AS f
    WHERE old.project = f.project AND old.target_schema = f.target_schema
        AND old.started_at < clock_timestamp() - interval '90 days'
)
INSERT INTO quintile.invocation_results (
    invocation_id, unique_id, status, message, failure_count, row_count, elapsed_seconds, relation
)
SELECT $1, r.unique_id, r.status, r.message, r.failure_count, r.row_count, r.elapsed_seconds, r.relation
FROM
    unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::double precision[], $10::text[])
    AS r (unique_id, status, message, failure_count, row_count, elapsed_seconds, relation)
ON CONFLICT (invocation_id, unique_id) DO NOTHING
