//! The run of one slot: builds, tries again after a fault that may pass, and writes the slot's end.

use super::backoff;
use super::dbt_job;
use super::gate;
use super::jobs::PlannedJob;
use super::leader::{Leadership, stopped};
use super::metrics::Metrics;
use crate::config::{Job, Settings};
use crate::error::{Error, Kind, Result};
use crate::pipeline::{self, BuildRequest, Event, Fence, Progress, RunReport};
use crate::warehouse::Warehouse;
use crate::warehouse::gc_bound::Bound;
use crate::warehouse::lease::Lease;
use crate::warehouse::slot_look::OpenSlot;
use crate::warehouse::slots::{HeldSlot, Outcome, SlotKey};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How often, a second apart, the end of a slot is written before it is left to the next leader.
const FINISH_ATTEMPTS: u32 = 10;
/// Beyond the grace: cancelling on the server, and the words for the ledger.
pub(super) const TIDY: Duration = Duration::from_secs(2);

/// A slot that is ours, with all that its run needs.
pub(super) struct SlotRun {
    warehouse: Warehouse,
    settings: Settings,
    job: Job,
    pub(super) slot: SlotKey,
    attempt: i32,
    /// The newest run that was made for the slot; 0 before there is one.
    run_id: AtomicI64,
    is_manual: bool,
    pub(super) lease: Lease,
    fence: Fence,
    metrics: Arc<Metrics>,
}

/// How the work on a slot came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The slot has ended.
    With(Outcome),
    /// We were stopped: the slot is left to whoever leads next.
    Interrupted,
}

impl Ended {
    /// Whether readers see something new.
    #[must_use]
    pub fn is_published(&self) -> bool {
        matches!(self, Ended::With(outcome) if outcome.state == "published")
    }
}

/// Why a run is cut short.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Stop,
    Timeout(u64),
}

impl SlotRun {
    /// A run for a slot that was claimed or taken over under `leadership`; `found` is the slot as it stood before.
    pub(super) fn new(
        warehouse: &Warehouse,
        settings: &Settings,
        metrics: &Arc<Metrics>,
        planned: &PlannedJob,
        leadership: &Leadership,
        found: &OpenSlot,
        attempt: i32,
    ) -> SlotRun {
        SlotRun {
            warehouse: warehouse.with_schemas(planned.schemas.clone()),
            settings: settings.with_workspace(&planned.schemas.workspace),
            job: planned.job.clone(),
            slot: found.key.clone(),
            attempt,
            run_id: AtomicI64::new(found.run_id.unwrap_or_default()),
            is_manual: found.is_manual,
            lease: leadership.lease.clone(),
            fence: leadership.fence(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Runs and writes the end; `stop` turning true asks for an early, clean one.
    pub(super) async fn perform(&self, stop: watch::Receiver<bool>) -> Ended {
        let SlotKey { workspace, job, scheduled_for } = &self.slot;
        tracing::info!(job, workspace, %scheduled_for, attempt = self.attempt, "run started");
        let started = Instant::now();
        let (cut, ran) = self.within_limits(stop).await;
        let elapsed = started.elapsed();
        let is_done = matches!(&ran, Some(Ok(outcome)) if outcome.state == "published");
        let outcome = match (cut, ran) {
            (Some(Cut::Stop), _) if !is_done => {
                tracing::info!(job, workspace, "run interrupted");
                self.metrics.run_ended("interrupted", elapsed);
                return Ended::Interrupted;
            }
            (Some(Cut::Timeout(seconds)), _) if !is_done => {
                let reason = format!("run took longer than {seconds} seconds and was cancelled");
                Outcome { state: "failed", reason: Some(reason), run_id: None }
            }
            (_, Some(Ok(outcome))) => outcome,
            (_, Some(Err(e))) => {
                tracing::error!(job, workspace, "run failed: {}", e.report());
                Outcome { state: "failed", reason: Some(e.message), run_id: None }
            }
            (_, None) => {
                Outcome { state: "failed", reason: Some("run did not end when asked to".into()), run_id: None }
            }
        };
        let (run_id, elapsed_ms, reason) = (outcome.run_id, elapsed.as_millis(), outcome.reason.as_deref());
        match outcome.state {
            "failed" => tracing::error!(job, workspace, run_id, elapsed_ms, reason, "run failed"),
            "skipped" => tracing::info!(job, workspace, reason, "run skipped"),
            _ => tracing::info!(job, workspace, run_id, elapsed_ms, "run published"),
        }
        // A run that was skipped is none.
        if outcome.state != "skipped" {
            self.metrics.run_ended(outcome.state, elapsed);
        }
        self.finish(&outcome).await;
        Ended::With(outcome)
    }

    /// The attempts, cut short by `stop` or by the job's timeout; nothing where they did not end even then.
    async fn within_limits(&self, mut stop: watch::Receiver<bool>) -> (Option<Cut>, Option<Result<Outcome>>) {
        let (halt, halted) = watch::channel(false);
        let mut attempts = Box::pin(self.attempts(halted));
        let timeout = self.job.timeout_seconds;
        let late = async {
            match timeout {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        let cut = tokio::select! {
            ran = &mut attempts => return (None, Some(ran)),
            () = stopped(&mut stop) => Cut::Stop,
            () = late => Cut::Timeout(timeout.unwrap_or_default()),
        };
        halt.send_replace(true);
        let ran = tokio::time::timeout(self.grace() + TIDY, attempts).await;
        (Some(cut), ran.ok())
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.settings.serve.grace_seconds)
    }

    async fn attempts(&self, mut halted: watch::Receiver<bool>) -> Result<Outcome> {
        let mut tries = 0;
        loop {
            let ran = AssertUnwindSafe(self.run(halted.clone())).catch_unwind().await;
            let ran = ran.unwrap_or_else(|_| Err(Error::failed("run broke off by a fault in the program")));
            match ran {
                Err(e) if may_pass(&e) && tries < self.job.retries && !*halted.borrow() => {
                    let pause = backoff::pause(tries, (std::process::id(), &self.slot.job));
                    tries += 1;
                    tracing::warn!(job = self.slot.job, error = %e, pause_ms = pause.as_millis(), "run failed for now; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stopped(&mut halted) => return Err(e),
                    }
                }
                ran => return ran,
            }
        }
    }

    async fn run(&self, halted: watch::Receiver<bool>) -> Result<Outcome> {
        let begun = Some(self.run_id.load(Ordering::Relaxed)).filter(|run_id| *run_id > 0);
        if let Some(run_id) = begun
            && self.warehouse.is_published(run_id).await?
        {
            // An earlier attempt got this far, and had no time left to say so, or no connection to hear of it.
            return Ok(Outcome { state: "published", reason: None, run_id: Some(run_id) });
        }
        let dbt = dbt_job::run(&self.warehouse, &self.settings, &self.job, halted.clone());
        if let Some(ran) = Box::pin(dbt).await {
            return ran;
        }
        let look = gate::look_at_models(&self.warehouse, &self.settings, &self.job);
        gate::behind(&self.warehouse, &self.job, look, self.build(halted)).await
    }

    async fn build(&self, halted: watch::Receiver<bool>) -> Result<Outcome> {
        let (events, listener) = mpsc::unbounded_channel();
        let trigger = if self.is_manual { "manual" } else { "job" };
        let request = BuildRequest {
            select: self.job.select.clone(),
            exclude: self.job.exclude.clone(),
            trigger: format!("{trigger}:{}", self.slot.job),
            slot: Some(HeldSlot { key: self.slot.clone(), fence: self.fence.clone() }),
            // The run of an earlier attempt at this slot, by another process or by us.
            resume: Some(self.run_id.load(Ordering::Relaxed)).filter(|run_id| *run_id > 0),
            grace: self.grace(),
            model_timeout: self.job.model_timeout_seconds.map(Duration::from_secs),
            progress: Progress::to(events),
            ..BuildRequest::default()
        };
        let build = async {
            let built = Box::pin(pipeline::build(&self.warehouse, &self.settings, &request, halted)).await;
            // The listener's channel closes with the request.
            drop(request);
            built
        };
        let (built, ()) = tokio::join!(build, self.listen(listener));
        built.map(|report| outcome_of(&report))
    }

    /// Remembers the run's number for another attempt, and counts its models.
    async fn listen(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Planned { run_id, .. } => self.run_id.store(run_id, Ordering::Relaxed),
                Event::ModelFinished { state: "built", .. } => self.metrics.model_built(),
                _ => {}
            }
        }
    }

    /// Drops what is not kept, beside whatever runs next; whoever stops leaves the rest to the next collection.
    pub(super) async fn collect_garbage(&self, bound: &Bound) {
        let workspace = &self.slot.workspace;
        match pipeline::collect_garbage(&self.warehouse, &self.settings, bound).await {
            Ok(Some(done)) => {
                let (dropped, waiting, left) = (done.dropped.len(), done.waiting.len(), done.left.len());
                tracing::info!(workspace, dropped, waiting, left, "garbage collected");
            }
            Ok(None) => tracing::debug!(workspace, "another process collects garbage"),
            Err(e) => tracing::warn!(workspace, error = %e, "garbage stays for now"),
        }
    }

    async fn finish(&self, outcome: &Outcome) {
        let SlotKey { workspace, job, .. } = &self.slot;
        for _ in 0..FINISH_ATTEMPTS {
            match self.warehouse.finish_slot(&self.lease, &self.slot, outcome).await {
                Ok(()) => {
                    self.metrics.slots_ended(job, outcome.state, 1);
                    return;
                }
                Err(e) if e.kind == Kind::Unreachable => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(e) => {
                    tracing::warn!(job, workspace, error = %e, "end of slot was not recorded");
                    return;
                }
            }
        }
        tracing::warn!(job, workspace, "end of slot was not recorded: database cannot be reached");
    }
}

/// What the slot's row says about the run.
fn outcome_of(report: &RunReport) -> Outcome {
    // A run that failed before it had a number has 0.
    let run_id = Some(report.run_id).filter(|number| *number > 0);
    if report.state == "published" {
        return Outcome { state: "published", reason: None, run_id };
    }
    let failed: Vec<String> = report.failed.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    let reason = if failed.is_empty() { format!("run ended as {}", report.state) } else { failed.join("; ") };
    Outcome { state: "failed", reason: Some(reason), run_id }
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
        let outcome = outcome_of(&report);
        assert_eq!((outcome.state, outcome.run_id), ("failed", Some(7)));
        assert_eq!(outcome.reason.as_deref(), Some("rfm_scores: division by zero"));
    }

    #[test]
    fn a_run_without_a_number_leaves_none_in_its_slot() {
        let outcome = outcome_of(&RunReport { state: "failed".into(), ..RunReport::default() });
        assert_eq!((outcome.run_id, outcome.reason.as_deref()), (None, Some("run ended as failed")));
    }

    #[test]
    fn only_passing_faults_are_tried_again() {
        let coded = |code: &str| Error { sqlstate: Some(code.into()), ..Error::failed("x") };
        assert!(may_pass(&coded("40P01")) && may_pass(&coded("53100")) && may_pass(&Error::unreachable("gone")));
        assert!(!may_pass(&coded("42P01")) && !may_pass(&coded("22012")) && !may_pass(&Error::failed("test failed")));
    }
}
