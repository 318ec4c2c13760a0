//! The scheduler: while this process leads, claims each due time of each job once and runs it.
//!
//! One run at a time in a workspace. A job that is due again while it runs has that time recorded as skipped; a job
//! that is due while another one runs waits for it. Losing leadership cancels the runs; so does the stop.

use super::jobs::PlannedJob;
use super::leader::{Leadership, stopped};
use super::metrics::Metrics;
use super::runner::{Running, start};
use crate::config::Settings;
use crate::error::Result;
use crate::warehouse::Warehouse;
use crate::warehouse::lease::Lease;
use crate::warehouse::slots::{Claim, Outcome};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How often due times are looked for.
const TICK: Duration = Duration::from_millis(500);
/// Pause after the database refused us.
const PAUSE: Duration = Duration::from_secs(5);
/// A due time whose runs took the whole process down this often is given up.
const ATTEMPTS: i32 = 5;
const SUPERSEDED: &str = "superseded by a newer due time";

/// The state of one term of leadership; one entry a job in both lists.
struct Term {
    leadership: Leadership,
    /// The last due time that was dealt with.
    last: Vec<DateTime<Utc>>,
    /// A slot that is ours already and waits to be run again.
    again: Vec<Option<DateTime<Utc>>>,
}

/// Everything the scheduler works on.
pub(super) struct Scheduler {
    pub(super) warehouse: Warehouse,
    pub(super) settings: Settings,
    pub(super) jobs: Vec<PlannedJob>,
    pub(super) metrics: Arc<Metrics>,
}

impl Scheduler {
    /// Runs jobs while `leadership` is there, until `stop`; then gives running work the grace period to end.
    pub(super) async fn run(
        self,
        mut leadership: watch::Receiver<Option<Leadership>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (ended, mut endings) = mpsc::channel::<String>(16);
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        let mut term: Option<Term> = None;
        let mut not_before = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                Some(workspace) = endings.recv() => {
                    let run = running.remove(&workspace);
                    let of_this_term = |run: Running| term.as_ref().is_some_and(|term| term.leadership.lease == run.lease);
                    if !run.is_some_and(of_this_term) {
                        // Cancelled when leadership was lost: its slot is to be taken over, perhaps by ourselves.
                        term = None;
                    }
                }
                _ = tick.tick() => {}
            }
            let current = leadership.borrow_and_update().clone().filter(Leadership::is_trusted);
            let token = current.as_ref().map(|current| current.lease.token);
            running.values().filter(|run| Some(run.lease.token) != token).for_each(Running::cancel);
            let Some(current) = current else {
                term = None;
                continue;
            };
            if Instant::now() < not_before {
                continue;
            }
            if let Err(e) = self.step(current, &mut term, &mut running, &ended).await {
                tracing::warn!(error = %e, "schedule cannot go on now; trying again");
                // What was recorded is read anew then.
                term = None;
                not_before = Instant::now() + PAUSE;
            }
        }
        self.wind_down(running, endings).await;
    }

    /// Starts what is due and can start now.
    async fn step(
        &self,
        current: Leadership,
        term: &mut Option<Term>,
        running: &mut BTreeMap<String, Running>,
        ended: &mpsc::Sender<String>,
    ) -> Result<()> {
        let known = term.take().filter(|term| term.leadership.lease == current.lease);
        let mut begun = match known {
            Some(known) => Term { leadership: current, ..known },
            None => self.begin(current, running).await?,
        };
        let (lease, now) = (&begun.leadership.lease, begun.leadership.now());
        for (index, planned) in self.jobs.iter().enumerate() {
            let (workspace, name) = (&planned.schemas.workspace, &planned.job.name);
            let due = planned.due(begun.last[index], now);
            let at_work = running.get(workspace);
            let newest = match (due.newest, begun.again[index]) {
                (None, None) => continue,
                (Some(newest), _) if at_work.is_some_and(|run| run.job == *name) => {
                    let passed: Vec<_> = due.superseded.iter().copied().chain([newest]).collect();
                    self.warehouse.skip_slots(lease, workspace, name, &passed, "job was still running").await?;
                    tracing::warn!(job = name, workspace, scheduled_for = %newest, "due time skipped: job still runs");
                    begun.last[index] = newest;
                    continue;
                }
                _ if at_work.is_some() => continue,
                (Some(newest), again) => {
                    if let Some(older) = again {
                        self.end_slot(lease, planned, older, SUPERSEDED).await?;
                        begun.again[index] = None;
                    }
                    if !due.superseded.is_empty() {
                        self.warehouse.skip_slots(lease, workspace, name, &due.superseded, SUPERSEDED).await?;
                    }
                    let claim = self.warehouse.claim_slot(lease, workspace, name, newest).await?;
                    if claim == Claim::NotLeader {
                        tracing::warn!(job = name, workspace, "due time left to the new leader");
                        return Ok(());
                    }
                    begun.last[index] = newest;
                    if claim == Claim::Taken {
                        continue;
                    }
                    newest
                }
                (None, Some(again)) => {
                    begun.again[index] = None;
                    again
                }
            };
            let run = start(self, planned, begun.leadership.fence(), lease.clone(), newest, ended.clone());
            running.insert(workspace.clone(), run);
        }
        *term = Some(begun);
        Ok(())
    }

    /// Reads where each job stands and takes over what an earlier leader left behind.
    async fn begin(&self, leadership: Leadership, running: &BTreeMap<String, Running>) -> Result<Term> {
        let (lease, now) = (leadership.lease.clone(), leadership.now());
        let mut term = Term { leadership, last: Vec::new(), again: Vec::new() };
        for planned in &self.jobs {
            let (workspace, name) = (&planned.schemas.workspace, &planned.job.name);
            let last = match self.warehouse.newest_slot(workspace, name).await? {
                Some(newest) => newest,
                None => {
                    // A job does not run for the time before it was known; the row keeps that time over restarts.
                    self.warehouse
                        .skip_slots(&lease, workspace, name, &[now], "job is new: schedule begins here")
                        .await?;
                    now
                }
            };
            let at_work: Vec<_> =
                running.get(workspace).filter(|run| run.job == *name).map(|run| run.due).into_iter().collect();
            let mut orphans = self.warehouse.take_over_slots(&lease, workspace, name, &at_work).await?;
            let mut again = None;
            if let Some(newest) = orphans.pop() {
                let (due, attempt) = (newest.scheduled_for, newest.attempt);
                tracing::warn!(job = name, workspace, scheduled_for = %due, attempt, "slot taken over");
                if attempt > ATTEMPTS {
                    self.end_slot(&lease, planned, due, "given up: no attempt came to an end").await?;
                } else {
                    again = Some(due);
                }
            }
            for older in orphans {
                self.end_slot(&lease, planned, older.scheduled_for, SUPERSEDED).await?;
            }
            let next = planned.next_after(last).map(|next| next.to_rfc3339());
            tracing::info!(job = name, workspace, next, "job scheduled");
            term.last.push(last);
            term.again.push(again);
        }
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for planned in &self.jobs {
            names.entry(&planned.schemas.workspace).or_default().push(planned.job.name.clone());
        }
        for (workspace, names) in names {
            self.warehouse.retire_slots(&lease, workspace, &names).await?;
        }
        Ok(term)
    }

    async fn end_slot(&self, lease: &Lease, planned: &PlannedJob, due: DateTime<Utc>, reason: &str) -> Result<()> {
        let state = if reason == SUPERSEDED { "skipped" } else { "failed" };
        let outcome = Outcome { state, reason: Some(reason.to_owned()), run_id: None };
        self.warehouse.finish_slot(lease, &planned.schemas.workspace, &planned.job.name, due, &outcome).await
    }

    /// Asks running work to end, waits for it as long as the grace period says, and drops what is left.
    async fn wind_down(&self, mut running: BTreeMap<String, Running>, mut endings: mpsc::Receiver<String>) {
        running.values().for_each(Running::cancel);
        let grace = tokio::time::sleep(Duration::from_secs(self.settings.serve.grace_seconds));
        tokio::pin!(grace);
        while !running.is_empty() {
            tokio::select! {
                Some(workspace) = endings.recv() => drop(running.remove(&workspace)),
                () = &mut grace => break,
            }
        }
        for (workspace, run) in running {
            tracing::warn!(workspace, job = run.job, "run did not end in time; a later leader takes its slot over");
            run.abort();
        }
    }
}
