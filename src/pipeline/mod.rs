//! The only place that puts steps in order: plan, build, test, publish, report.

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Selectors; none means all.
    pub select: Vec<String>,
    /// Selectors of what to leave out.
    pub exclude: Vec<String>,
    /// The run's instant; `None` takes the end of the data's last complete day.
    pub as_of: Option<DateTime<Utc>>,
    /// Why the run was made: `cli`, `demo`, `job:<name>`.
    pub trigger: String,
    /// Fence of the lease under which the run is made, if a daemon makes it.
    pub fence: Option<Fence>,
    /// Build and test, but leave the pointers where they are.
    pub skip_publish: bool,
    /// Leave out the data tests.
    pub skip_tests: bool,
}

/// Proof of leadership; every state change of a daemon's run compares it with the lease row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Name of the lease.
    pub lease: String,
    /// Token that grows with every change of leader.
    pub token: i64,
}

/// What a run did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RunReport {
    /// The run's number.
    pub run_id: i64,
    /// `published`, `built` or `failed`.
    pub state: String,
    /// The run's instant.
    pub as_of: Option<DateTime<Utc>>,
    /// Models built, in order of their end.
    pub built: Vec<String>,
    /// Models and tests that failed, with the reason.
    pub failed: Vec<(String, String)>,
    /// Models left out because one they need failed.
    pub skipped: Vec<String>,
}

/// Builds, tests and publishes; `stop` turning true asks for an early, clean end.
pub async fn build(
    warehouse: &Warehouse,
    settings: &Settings,
    request: &BuildRequest,
    stop: watch::Receiver<bool>,
) -> Result<RunReport> {
    let _ = (warehouse, settings, request, stop);
    Err(Error::failed("not there yet"))
}
