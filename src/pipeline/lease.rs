//! One run a workspace at a time: the run's lease, kept alive beside the work; its loss halts the run.

use super::halt::Brake;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::lease::Lease;
use crate::warehouse::publish::Fence;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Counts the runs of this process.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// How long the server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// This process, for the people who look at ledger and leases.
pub fn process(settings: &Settings) -> String {
    format!("process {} on {}", std::process::id(), settings.host_name())
}

/// A lease that is held and renewed until it is released or lost.
pub struct RunLease {
    warehouse: Warehouse,
    lease: Lease,
    /// Proof for the publish.
    pub fence: Fence,
    keeper: Keeper,
}

/// The task that renews; it ends with its lease, also where a run breaks off by a panic: else the lease would be
/// renewed for ever, and no other run could begin before the process ends.
struct Keeper(JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RunLease {
    /// Takes the lease of the workspace's runs; waits for a dead holder's to expire, and a moment longer.
    ///
    /// The `brake` is put on when the lease is lost.
    pub async fn take(warehouse: &Warehouse, settings: &Settings, brake: Brake) -> Result<RunLease> {
        let ttl = Duration::from_secs(settings.run.lease_seconds.max(1));
        let name = format!("run:{}", warehouse.schemas.workspace);
        // A lease is taken again by the same holder, and two runs of one process are two holders.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let holder = format!("{}, run {number} of the process", process(settings));
        let deadline = Instant::now() + ttl + Duration::from_secs(5);
        let mut has_told = false;
        let lease = loop {
            if let Some((lease, _since)) = warehouse.acquire_lease(&name, &holder, ttl, ANSWER).await? {
                break lease;
            }
            if Instant::now() >= deadline {
                let who = warehouse.lease_holder(&name, ANSWER).await?.unwrap_or_else(|| "another process".into());
                let busy =
                    Error::failed(format!("a run of workspace \"{}\" is under way", warehouse.schemas.workspace))
                        .detail(format!("It is made by {who}."))
                        .hint("wait for it, or stop that process; see quintile runs");
                // Lock not available: to a daemon it passes.
                return Err(Error { sqlstate: Some("55P03".into()), ..busy });
            }
            if !has_told {
                tracing::info!(lease = name, "waiting for another run to end or its lease to expire");
                has_told = true;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        };
        let fence = Fence { lease: name, token: lease.token };
        let keeper = Keeper(tokio::spawn(keep(warehouse.clone(), lease.clone(), ttl, brake)));
        Ok(RunLease { warehouse: warehouse.clone(), lease, fence, keeper })
    }

    /// Gives the lease back.
    pub async fn release(self) {
        drop(self.keeper);
        if let Err(e) = self.warehouse.release_lease(&self.lease, ANSWER).await {
            tracing::warn!(reason = %e, "the run's lease could not be given back; it expires by itself");
        }
    }
}

/// Renews every third of the lease's time; our trust in it ends a second before the server's would.
async fn keep(warehouse: Warehouse, lease: Lease, ttl: Duration, brake: Brake) {
    let margin = Duration::from_secs(1).min(ttl / 4);
    let mut trusted_until = Instant::now() + ttl - margin;
    loop {
        tokio::time::sleep(ttl / 3).await;
        let asked = Instant::now();
        match warehouse.renew_lease(&lease, ttl, ttl / 3).await {
            Ok(Some(_)) => trusted_until = asked + ttl - margin,
            Ok(None) => {
                brake.now(format!("lease \"{}\" was lost to another process", lease.name));
                return;
            }
            Err(e) => tracing::warn!(reason = %e, "the run's lease was not renewed this time"),
        }
        if Instant::now() >= trusted_until {
            brake.now(format!("lease \"{}\" could not be renewed in time", lease.name));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Keeper;

    #[tokio::test]
    async fn renewal_ends_with_the_lease() {
        let (alive, mut ended) = tokio::sync::oneshot::channel::<()>();
        let keeper = Keeper(tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(alive);
        }));
        tokio::task::yield_now().await;
        assert!(ended.try_recv().is_err_and(|e| e == tokio::sync::oneshot::error::TryRecvError::Empty));
        drop(keeper);
        assert!(ended.await.is_err(), "the task was dropped");
    }
}
