-- Parents without partitions that no pointer names. While a run is under way all stay: its tables join theirs at its end.
SELECT c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1
  AND c.relkind = 'p'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid)
  AND NOT EXISTS (SELECT 1 FROM quintile.live AS l WHERE l.workspace = $2 AND l.parent_relation = c.relname)
  AND NOT EXISTS (SELECT 1 FROM quintile.runs AS r WHERE r.workspace = $2 AND r.state = 'running')
