age(o.xmin) <= (SELECT age(pg_snapshot_xmin([seen]::pg_snapshot)::xid))
