SELECT holder FROM quintile.leases WHERE lease = $1 AND expires_at > clock_timestamp()
