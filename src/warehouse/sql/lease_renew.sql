-- Prolongs the lease $1 of holder $2 under fence $3 by $4 seconds from now; no row means that it is lost.
UPDATE quintile.leases
SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => $4)
WHERE lease = $1 AND holder = $2 AND fence = $3 AND expires_at > clock_timestamp()
RETURNING renewed_at
