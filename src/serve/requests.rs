//! Asking for a run of a job now: by command line or API, the same slot row that the leader picks up.

use super::jobs::PlannedJob;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::slot_look::{Requested, SlotEntry};
use crate::warehouse::slots::SlotKey;
use chrono::Utc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest id of a request.
const ID_MAX: usize = 200;

/// What a request led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A new slot waits.
    New(SlotEntry),
    /// This request was made before: its slot as it stands now.
    Known(SlotEntry),
    /// Another request for the job waits already, and does the same.
    Waits(SlotEntry),
}

/// Asks for a run; a `request_id` that comes again stands for the slot that it made the first time.
pub async fn request_run(warehouse: &Warehouse, planned: &PlannedJob, request_id: Option<&str>) -> Result<Asked> {
    let (workspace, job) = planned.key();
    let id = match request_id {
        Some(id) if id.is_empty() || id.len() > ID_MAX || id.chars().any(char::is_control) => {
            return Err(Error::usage("request id cannot be used")
                .hint(format!("write 1 to {ID_MAX} characters without control characters")));
        }
        Some(id) => id.to_owned(),
        None => new_id(),
    };
    let requested = warehouse.request_slot(&workspace, &job, &id).await?;
    let (Requested::New(at) | Requested::Known(at) | Requested::Waits(at)) = requested;
    let key = SlotKey { workspace, job, scheduled_for: at };
    let slot = warehouse.slot(&key).await?.ok_or_else(|| Error::failed("slot of the request is gone"))?;
    Ok(match requested {
        Requested::New(_) => Asked::New(slot),
        Requested::Known(_) => Asked::Known(slot),
        Requested::Waits(_) => Asked::Waits(slot),
    })
}

/// An id that nobody else makes.
fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{now:x}-{:x}-{count:x}", std::process::id())
}
