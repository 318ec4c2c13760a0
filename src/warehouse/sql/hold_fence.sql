-- Locks the lease row against a change of holder until our transaction ends; no row means that we lost it.
SELECT 1 FROM quintile.leases WHERE lease = $1 AND fence = $2 FOR SHARE
