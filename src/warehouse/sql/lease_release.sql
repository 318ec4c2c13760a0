-- Ends the lease at once. The row stays, so that the fence never starts again.
UPDATE quintile.leases
SET expires_at = clock_timestamp()
WHERE lease = $1 AND holder = $2 AND fence = $3 AND expires_at > clock_timestamp()
