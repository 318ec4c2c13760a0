-- Models that an attempt at run $1 has finished, whose relation is still in the store $2, and whose inputs are all known. Those that are partitions
-- already cannot be made anew without readers noticing.
SELECT
    m.model, m.inputs, m.parent_relation, m.row_count, m.byte_count,
    EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid) AS is_attached
FROM quintile.run_models AS m
JOIN pg_catalog.pg_namespace AS n ON n.nspname = $2
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = m.store_relation
WHERE m.run_id = $1 AND m.state = 'built' AND m.inputs IS NOT NULL AND m.hidden_reads = '{}'
