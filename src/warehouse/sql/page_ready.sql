-- Whether the control tables are there.
SELECT to_regclass('quintile.runs') IS NOT NULL
    AND to_regclass('quintile.live') IS NOT NULL
    AND to_regclass('quintile.leases') IS NOT NULL
    AND to_regclass('quintile.workspaces') IS NOT NULL AS migrated
