//! The fence: proof of leadership that every state change of a run compares with the lease row.

use super::connect::Transaction;
use super::fault::fault;
use crate::error::{Error, Result};

/// Proof of leadership; every state change of a run compares it with the lease row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Name of the lease.
    pub lease: String,
    /// Token that grows with every change of leader.
    pub token: i64,
}

/// Locks the lease row until the transaction ends; a changed token means that another process took over.
pub(super) async fn hold(transaction: &Transaction<'_>, fence: &Fence) -> Result<()> {
    let held = transaction
        .query_opt(include_str!("sql/hold_fence.sql"), &[&fence.lease, &fence.token])
        .await
        .map_err(|e| fault("publish failed", &e))?;
    match held {
        Some(_) => Ok(()),
        None => Err(Error::failed(format!("lease \"{}\" was lost to another process", fence.lease))
            .detail("Nothing was published by this run; the other process goes on.")),
    }
}
