-- The rows of a run's own table, kept for good: the table goes with garbage collection, the facts stay with the run.
INSERT INTO quintile.fits (run_id, model, facts)
SELECT
    $1,
    $2,
    jsonb_build_object('rows', coalesce(jsonb_agg(to_jsonb(t) - 'run_id' - 'as_of'), '[]'::jsonb))
FROM {schema}.{table} AS t
ON CONFLICT (run_id, model) DO UPDATE SET facts = excluded.facts
