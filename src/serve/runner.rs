//! One run of a job: builds, tries again when the connection failed, and writes the slot's end.

use super::dbt_job;
use super::jobs::PlannedJob;
use super::metrics::Metrics;
use super::scheduler::Scheduler;
use crate::config::{Job, Settings};
use crate::error::{Error, Kind};
use crate::pipeline::{self, BuildRequest, Fence, RunReport};
use crate::warehouse::Warehouse;
use crate::warehouse::lease::Lease;
use crate::warehouse::slots::Outcome;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Pauses before a run is made again after a fault that may pass.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// How often, a second apart, the end of a slot is written before it is left to the next leader.
const FINISH_ATTEMPTS: u32 = 10;
/// Time of a collection in the background.
const GARBAGE_BOUND: Duration = Duration::from_secs(600);

/// A run at work.
pub(super) struct Running {
    pub(super) job: String,
    pub(super) due: DateTime<Utc>,
    /// The lease under which it was started.
    pub(super) lease: Lease,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Asks for an early, clean end.
    pub(super) fn cancel(&self) {
        self.stop.send_replace(true);
    }

    /// Ends it where it stands.
    pub(super) fn abort(self) {
        self.task.abort();
    }
}

struct Run {
    warehouse: Warehouse,
    settings: Settings,
    request: BuildRequest,
    job: String,
    planned: Job,
    due: DateTime<Utc>,
    lease: Lease,
    metrics: Arc<Metrics>,
}

/// Starts the run for a slot that is ours; its workspace's name is sent when it has ended.
pub(super) fn start(
    scheduler: &Scheduler,
    planned: &PlannedJob,
    fence: Fence,
    lease: Lease,
    due: DateTime<Utc>,
    ended: mpsc::Sender<String>,
) -> Running {
    let workspace = planned.schemas.workspace.clone();
    let job = planned.job.name.clone();
    let (stop, stopping) = watch::channel(false);
    let run = Run {
        warehouse: scheduler.warehouse.with_schemas(planned.schemas.clone()),
        settings: scheduler.settings.with_workspace(&workspace),
        request: BuildRequest {
            select: planned.job.select.clone(),
            exclude: planned.job.exclude.clone(),
            trigger: format!("job:{job}"),
            fence: Some(fence),
            ..BuildRequest::default()
        },
        job: job.clone(),
        planned: planned.job.clone(),
        due,
        lease: lease.clone(),
        metrics: Arc::clone(&scheduler.metrics),
    };
    let task = tokio::spawn(async move {
        run.perform(stopping).await;
        // Nobody listens any more when the daemon has stopped.
        let _ = ended.send(workspace).await;
    });
    Running { job, due, lease, stop, task }
}

impl Run {
    async fn perform(&self, stop: watch::Receiver<bool>) {
        let workspace = &self.warehouse.schemas.workspace;
        tracing::info!(job = self.job, workspace, scheduled_for = %self.due, "run started");
        let started = Instant::now();
        if self.of_dbt_project(stop.clone(), started).await {
            return;
        }
        let built = AssertUnwindSafe(self.build(stop.clone())).catch_unwind().await;
        let built = built.unwrap_or_else(|_| Err(Error::failed("run broke off by a fault in the program")));
        let interrupted = *stop.borrow() && !matches!(&built, Ok(report) if report.state == "published");
        if interrupted {
            // The slot stays as it is: the next leader takes it over.
            tracing::info!(job = self.job, workspace, "run interrupted");
            self.metrics.run_ended("interrupted", started.elapsed(), 0);
            return;
        }
        let outcome = outcome_of(&built);
        let models = built.as_ref().map_or(0, |report| report.built.len());
        self.metrics.run_ended(outcome.state, started.elapsed(), models);
        let (run_id, elapsed_ms) = (outcome.run_id, started.elapsed().as_millis());
        match (&outcome.reason, &built) {
            (None, _) => tracing::info!(job = self.job, workspace, run_id, elapsed_ms, "run published"),
            (Some(reason), Ok(_)) => tracing::error!(job = self.job, workspace, run_id, reason, "run failed"),
            (Some(_), Err(e)) => tracing::error!(job = self.job, workspace, "run failed: {}", e.report()),
        };
        self.finish(&outcome).await;
        if outcome.state == "published" {
            tokio::spawn(collect_garbage(self.warehouse.clone(), self.settings.clone()));
        }
    }

    /// Runs the job if it is about a dbt project; whether it was.
    async fn of_dbt_project(&self, stop: watch::Receiver<bool>, started: Instant) -> bool {
        let workspace = &self.warehouse.schemas.workspace;
        let mut pauses = PAUSES.iter();
        let ran = loop {
            let run = dbt_job::run(&self.warehouse, &self.settings, &self.planned, stop.clone());
            let ran = AssertUnwindSafe(run).catch_unwind().await;
            let ran = ran.unwrap_or_else(|_| Some(Err(Error::failed("run broke off by a fault in the program"))));
            match (ran, pauses.next()) {
                (None, _) => return false,
                (Some(Err(e)), Some(pause)) if may_pass(&e) && !*stop.borrow() => {
                    tracing::warn!(job = self.job, error = %e, "run failed for now; trying again");
                    tokio::time::sleep(*pause).await;
                }
                (Some(ran), _) => break ran,
            }
        };
        if *stop.borrow() && !matches!(&ran, Ok(outcome) if outcome.state == "published") {
            tracing::info!(job = self.job, workspace, "run interrupted");
            self.metrics.run_ended("interrupted", started.elapsed(), 0);
            return true;
        }
        let outcome = ran.unwrap_or_else(|e| Outcome { state: "failed", reason: Some(e.message), run_id: None });
        let (state, reason) = (outcome.state, outcome.reason.as_deref());
        match state {
            "failed" => tracing::error!(job = self.job, workspace, reason, "run failed"),
            "skipped" => tracing::info!(job = self.job, workspace, reason, "run skipped"),
            _ => tracing::info!(job = self.job, workspace, "run done"),
        }
        // A run that was skipped is none.
        if state != "skipped" {
            self.metrics.run_ended(state, started.elapsed(), 0);
        }
        self.finish(&outcome).await;
        true
    }

    async fn build(&self, mut stop: watch::Receiver<bool>) -> crate::error::Result<RunReport> {
        let mut pauses = PAUSES.iter();
        loop {
            let built = pipeline::build(&self.warehouse, &self.settings, &self.request, stop.clone()).await;
            let pause = match &built {
                Err(e) if may_pass(e) => pauses.next(),
                _ => None,
            };
            let (Some(pause), Err(e)) = (pause, &built) else { return built };
            tracing::warn!(job = self.job, error = %e, "run failed for now; trying again");
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = super::leader::stopped(&mut stop) => return built,
            }
        }
    }

    async fn finish(&self, outcome: &Outcome) {
        let workspace = &self.warehouse.schemas.workspace;
        for _ in 0..FINISH_ATTEMPTS {
            match self.warehouse.finish_slot(&self.lease, workspace, &self.job, self.due, outcome).await {
                Ok(()) => return,
                Err(e) if e.kind == Kind::Unreachable => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(e) => {
                    tracing::warn!(job = self.job, workspace, error = %e, "end of slot was not recorded");
                    return;
                }
            }
        }
        tracing::warn!(job = self.job, workspace, "end of slot was not recorded: database cannot be reached");
    }
}

/// Beside whatever runs next; a daemon that stops leaves the rest to the next collection.
async fn collect_garbage(warehouse: Warehouse, settings: Settings) {
    match pipeline::collect_garbage(&warehouse, &settings, GARBAGE_BOUND).await {
        Ok(Some(done)) => {
            let (dropped, waiting, left) = (done.dropped.len(), done.waiting.len(), done.left.len());
            tracing::info!(workspace = warehouse.schemas.workspace, dropped, waiting, left, "garbage collected");
        }
        Ok(None) => tracing::debug!(workspace = warehouse.schemas.workspace, "another process collects garbage"),
        Err(e) => tracing::warn!(workspace = warehouse.schemas.workspace, error = %e, "garbage stays for now"),
    }
}

/// What the slot's row says about the run.
fn outcome_of(built: &crate::error::Result<RunReport>) -> Outcome {
    // A run that failed before it had a number has 0.
    let numbered = |report: &RunReport| Some(report.run_id).filter(|number| *number > 0);
    match built {
        Ok(report) if report.state == "published" => {
            Outcome { state: "published", reason: None, run_id: numbered(report) }
        }
        Ok(report) => {
            let failed: Vec<String> = report.failed.iter().map(|(what, why)| format!("{what}: {why}")).collect();
            let reason = if failed.is_empty() { format!("run ended as {}", report.state) } else { failed.join("; ") };
            Outcome { state: "failed", reason: Some(reason), run_id: numbered(report) }
        }
        Err(e) => Outcome { state: "failed", reason: Some(e.message.clone()), run_id: None },
    }
}

/// To a daemon a refused login passes too: the password may be changing.
fn may_pass(error: &Error) -> bool {
    error.kind == Kind::Unreachable || error.may_pass()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_tells_why_in_its_slot() {
        let report = RunReport {
            run_id: 7,
            state: "failed".into(),
            failed: vec![("rfm_scores".into(), "division by zero".into())],
            ..RunReport::default()
        };
        let outcome = outcome_of(&Ok(report));
        assert_eq!((outcome.state, outcome.run_id), ("failed", Some(7)));
        assert_eq!(outcome.reason.as_deref(), Some("rfm_scores: division by zero"));
    }

    #[test]
    fn a_run_without_a_number_leaves_none_in_its_slot() {
        let outcome = outcome_of(&Ok(RunReport { state: "failed".into(), ..RunReport::default() }));
        assert_eq!((outcome.run_id, outcome.reason.as_deref()), (None, Some("run ended as failed")));
    }

    #[test]
    fn only_passing_faults_are_tried_again() {
        let coded = |code: &str| Error { sqlstate: Some(code.into()), ..Error::failed("x") };
        assert!(may_pass(&coded("40P01")) && may_pass(&coded("53100")) && may_pass(&Error::unreachable("gone")));
        assert!(!may_pass(&coded("42P01")) && !may_pass(&coded("22012")) && !may_pass(&Error::failed("test failed")));
    }
}
