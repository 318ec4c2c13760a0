//! What is done to pointers outside a run: roll-back, withdrawal, garbage collection.

use super::halt;
use super::lease::{self, RunLease};
use super::read_project::read_project;
use super::withdrawal;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::gc::Collection;
use crate::warehouse::gc_bound::Bound;
use crate::warehouse::rollback::Rollback;
use std::time::Duration;

/// Moves the pointers back to what an earlier run published.
pub async fn rollback(warehouse: &Warehouse, settings: &Settings, to: Option<i64>) -> Result<Rollback> {
    let lease = take_lease(warehouse, settings).await?;
    let done = warehouse.rollback(to, &lease.fence, patience(settings)).await;
    lease.release().await;
    done
}

/// Withdraws a published relation that the project makes no more, or any with `is_forced`.
pub async fn unpublish(warehouse: &Warehouse, settings: &Settings, relation: &str, is_forced: bool) -> Result<()> {
    if !is_forced && withdrawal::made(&read_project(settings)?).contains(relation) {
        return Err(Error::usage(format!("relation \"{relation}\" is made by the project"))
            .detail("The next run would publish it again.")
            .hint("remove its model first; --force withdraws it all the same"));
    }
    let lease = take_lease(warehouse, settings).await?;
    let done = warehouse.unpublish(relation, &lease.fence, patience(settings)).await;
    lease.release().await;
    done
}

/// Drops what nobody can see or go back to any more, until `bound`; none while another process does.
pub async fn collect_garbage(warehouse: &Warehouse, settings: &Settings, bound: &Bound) -> Result<Option<Collection>> {
    warehouse.collect_garbage(settings.run.keep_runs, &lease::process(settings), bound).await
}

/// One at a time with runs: both move pointers.
async fn take_lease(warehouse: &Warehouse, settings: &Settings) -> Result<RunLease> {
    let (brake, _halt) = halt::channel();
    RunLease::take(warehouse, settings, brake).await
}

fn patience(settings: &Settings) -> Duration {
    Duration::from_secs(settings.run.publish_patience_seconds)
}
