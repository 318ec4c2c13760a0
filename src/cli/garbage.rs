//! Garbage collection after a command: when its result is printed, and only for a moment.

use super::print;
use crate::config::Settings;
use crate::pipeline;
use crate::warehouse::Warehouse;
use crate::warehouse::gc_bound::Bound;
use std::time::Duration;
use tokio::sync::watch;

/// Nobody waits longer for their prompt.
const BOUND: Duration = Duration::from_secs(10);

/// Drops what is not kept; what stays is left to the next run.
pub async fn collect(warehouse: &Warehouse, settings: &Settings, stop: watch::Receiver<bool>) {
    match pipeline::collect_garbage(warehouse, settings, &Bound::after(BOUND).or_with(stop)).await {
        Ok(Some(done)) => {
            tracing::debug!(relations = done.dropped.len(), waiting = done.waiting.len(), "garbage collected");
            if !done.left.is_empty() {
                print::note(&format!("  {} tables of earlier runs stay until the next run", done.left.len()));
            }
        }
        Ok(None) => tracing::debug!("garbage is collected by another process"),
        Err(e) => tracing::warn!(reason = %e, "garbage stays for now"),
    }
}
