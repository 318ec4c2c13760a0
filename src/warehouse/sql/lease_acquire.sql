-- Takes the lease $1 for holder $2 and $3 seconds, if it is free; the fence grows with every change of holder.
INSERT INTO quintile.leases AS held (lease, holder, fence, renewed_at, expires_at)
VALUES ($1, $2, 1, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (lease) DO UPDATE
SET holder = excluded.holder,
    fence = held.fence + 1,
    renewed_at = clock_timestamp(),
    expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE held.expires_at <= clock_timestamp() OR held.holder = excluded.holder
RETURNING held.fence, held.renewed_at
