//! Leadership: holds the lease, renews it every third of its life, and stops trusting it a second before it ends.

use crate::config::Settings;
use crate::error::Result;
use crate::pipeline::Fence;
use crate::warehouse::Warehouse;
use crate::warehouse::lease::Lease;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Trust ends this long before the database lets another lead: both clocks may run a little apart.
const MARGIN: Duration = Duration::from_secs(1);

/// Clocks that differ by more are worth a warning.
const SKEW_MS: i64 = 2000;

/// Proof that this process leads, and the database's clock.
#[derive(Clone, Debug)]
pub struct Leadership {
    /// The lease with its fence.
    pub lease: Lease,
    /// When trust ends without another renewal.
    trusted_until: Instant,
    /// The database's time at `read_at`.
    database_time: DateTime<Utc>,
    read_at: Instant,
}

impl Leadership {
    fn begun(lease: Lease, asked_at: Instant, lasting: Duration, database_time: DateTime<Utc>) -> Leadership {
        // From the start of the question: the answer may have been long on its way.
        Leadership { lease, trusted_until: asked_at + trust(lasting), database_time, read_at: Instant::now() }
    }

    /// Whether the lease may still be relied on.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        Instant::now() < self.trusted_until
    }

    /// Now, by the database's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let since = TimeDelta::from_std(self.read_at.elapsed()).unwrap_or_default();
        self.database_time + since
    }

    /// The fence for a run.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence { lease: self.lease.name.clone(), token: self.lease.token }
    }
}

/// How long a lease of this length is trusted after the renewal was asked for.
fn trust(lasting: Duration) -> Duration {
    lasting.saturating_sub(MARGIN).max(lasting / 2)
}

/// What is held, by whom, and how long without renewal.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) lease: String,
    pub(super) holder: String,
    pub(super) lasting: Duration,
}

impl Candidate {
    /// Daemons that serve the same workspace stand in for each other; others do not wait for them.
    pub(super) fn of_daemon(settings: &Settings, holder: String) -> Candidate {
        Candidate { lease: format!("serve:{}", settings.workspace), holder, lasting: lasting(settings) }
    }

    /// Whoever runs a single slot holds a lease too, so that daemons can tell whether it is alive.
    pub(super) fn of_job(settings: &Settings, holder: String, workspace: &str, job: &str) -> Candidate {
        Candidate { lease: format!("job:{workspace}:{job}"), holder, lasting: lasting(settings) }
    }

    /// Takes the lease if it is free.
    pub(super) async fn take(&self, warehouse: &Warehouse) -> Result<Option<Leadership>> {
        let asked_at = Instant::now();
        let taken = warehouse.acquire_lease(&self.lease, &self.holder, self.lasting, self.pause()).await?;
        let Some((lease, now)) = taken else { return Ok(None) };
        warn_of_skew(now);
        Ok(Some(Leadership::begun(lease, asked_at, self.lasting, now)))
    }

    /// Between two renewals, and the longest wait for one.
    fn pause(&self) -> Duration {
        self.lasting / 3
    }
}

fn lasting(settings: &Settings) -> Duration {
    Duration::from_secs(settings.serve.lease_seconds.max(3))
}

/// Schedules follow the database's clock; people who compare it with this machine's should know that they differ.
fn warn_of_skew(database_time: DateTime<Utc>) {
    let skew = (Utc::now() - database_time).num_milliseconds();
    if skew.abs() > SKEW_MS {
        tracing::warn!(skew_ms = skew, "clock of this machine and clock of the database differ; the database's counts");
    }
}

/// Leads whenever the lease is free, until `stop`; `leadership` tells the others. The caller releases it.
pub(super) async fn lead(
    warehouse: Warehouse,
    candidate: Candidate,
    leadership: watch::Sender<Option<Leadership>>,
    mut stop: watch::Receiver<bool>,
) {
    let (name, lasting, pause) = (&candidate.lease, candidate.lasting, candidate.pause());
    loop {
        let asked_at = Instant::now();
        let held = leadership.borrow().clone();
        match held {
            Some(held) => {
                let wait = pause.min(held.trusted_until.saturating_duration_since(asked_at));
                match warehouse.renew_lease(&held.lease, lasting, wait).await {
                    Ok(Some(now)) => {
                        leadership.send_replace(Some(Leadership::begun(held.lease, asked_at, lasting, now)));
                    }
                    Ok(None) => {
                        tracing::warn!(lease = name, fence = held.lease.token, "leadership lost");
                        leadership.send_replace(None);
                    }
                    Err(e) => tracing::warn!(lease = name, error = %e, "lease was not renewed"),
                }
            }
            None => match candidate.take(&warehouse).await {
                Ok(Some(taken)) => {
                    tracing::info!(lease = name, fence = taken.lease.token, holder = candidate.holder, "leading");
                    leadership.send_replace(Some(taken));
                }
                Ok(None) => {}
                Err(e) => tracing::warn!(lease = name, error = %e, "lease was not taken"),
            },
        }
        let trusted_until = leadership.borrow().as_ref().map(|held| held.trusted_until);
        let next = asked_at + pause;
        let wake = trusted_until.map_or(next, |until| next.min(until));
        tokio::select! {
            () = tokio::time::sleep_until(wake) => {}
            () = stopped(&mut stop) => return,
        }
        let expired = leadership.borrow().as_ref().is_some_and(|held| !held.is_trusted());
        if expired {
            tracing::warn!(lease = name, "leadership given up: lease was not renewed in time");
            leadership.send_replace(None);
        }
    }
}

/// Gives the lease back, so that another process leads at once.
pub(super) async fn release(warehouse: &Warehouse, leadership: &watch::Sender<Option<Leadership>>) {
    let held = leadership.send_replace(None);
    if let Some(held) = held {
        match warehouse.release_lease(&held.lease, Duration::from_secs(1)).await {
            Ok(()) => tracing::info!(lease = held.lease.name, "lease released"),
            Err(e) => tracing::warn!(lease = held.lease.name, error = %e, "lease was not released; it ends by itself"),
        }
    }
}

/// Waits until `stop` is true, or until nobody can set it any more.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: then nothing may keep running either.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_ends_a_second_before_the_lease() {
        assert_eq!(trust(Duration::from_secs(15)), Duration::from_secs(14));
        assert_eq!(trust(Duration::from_secs(3)), Duration::from_secs(2));
    }
}
