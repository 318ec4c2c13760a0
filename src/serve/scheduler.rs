//! The scheduler: while this process leads, records each due time of each job once and runs what waits.
//!
//! One run at a time in a workspace; a job that is due while another one runs waits for it. What is due and what is
//! to be done about it is read anew from the database each time: see [`super::decide`]. Losing leadership cancels the
//! runs; so does the stop.

use super::decide::{Decision, Orphan, Reason, decide};
use super::jobs::PlannedJob;
use super::leader::{Leadership, stopped};
use super::metrics::Metrics;
use super::runner::{SlotRun, TIDY};
use crate::config::Settings;
use crate::error::Result;
use crate::warehouse::Warehouse;
use crate::warehouse::gc_bound::Bound;
use crate::warehouse::lease::Lease;
use crate::warehouse::slot_look::{OpenSlot, Standing};
use crate::warehouse::slots::{Claim, Outcome, SlotKey, Waits};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// How often the slots are looked at.
const TICK: Duration = Duration::from_millis(500);
/// Time of a collection in the background.
const GARBAGE: Duration = Duration::from_secs(600);
/// Pause after the database refused us.
const PAUSE: Duration = Duration::from_secs(5);

/// Everything the scheduler works on.
pub(super) struct Scheduler {
    pub(super) warehouse: Warehouse,
    pub(super) settings: Settings,
    pub(super) jobs: Vec<PlannedJob>,
    pub(super) metrics: Arc<Metrics>,
}

/// A run at work.
struct Running {
    slot: SlotKey,
    /// The lease under which it was started.
    lease: Lease,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Asks for an early, clean end.
    fn cancel(&self) {
        self.stop.send_replace(true);
    }
}

/// A run that has ended.
struct Ending {
    workspace: String,
    /// The run, if it has published and left something to drop.
    superseding: Option<SlotRun>,
}

/// The runs of this process, by workspace.
type Runs = BTreeMap<String, Running>;

impl Scheduler {
    /// Runs jobs while `leadership` is there, until `stop`; then gives running work the grace period to end.
    pub(super) async fn run(
        self,
        mut leadership: watch::Receiver<Option<Leadership>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (ended, mut endings) = mpsc::channel::<Ending>(16);
        let mut running = Runs::new();
        let mut collecting = JoinSet::new();
        let mut term: Option<Lease> = None;
        let mut not_before = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                Some(ending) = endings.recv() => {
                    running.remove(&ending.workspace);
                    collecting.spawn(collect(ending, stop.clone()));
                }
                Some(_) = collecting.join_next() => {}
                _ = tick.tick() => {}
            }
            let current = leadership.borrow_and_update().clone().filter(Leadership::is_trusted);
            let lease = current.as_ref().map(|current| &current.lease);
            running.values().filter(|run| Some(&run.lease) != lease).for_each(Running::cancel);
            let Some(current) = current else { continue };
            if Instant::now() < not_before {
                continue;
            }
            if let Err(e) = self.step(&current, &mut term, &mut running, &ended).await {
                tracing::warn!(error = %e, "schedule cannot go on now; trying again");
                not_before = Instant::now() + PAUSE;
            }
        }
        self.wind_down(running, endings, collecting).await;
    }

    /// Records what is due and starts what waits and can start now.
    async fn step(
        &self,
        leadership: &Leadership,
        term: &mut Option<Lease>,
        running: &mut Runs,
        ended: &mpsc::Sender<Ending>,
    ) -> Result<()> {
        let lease = &leadership.lease;
        if term.as_ref() != Some(lease) {
            self.retire(lease).await?;
        }
        let keys: Vec<_> = self.jobs.iter().map(PlannedJob::key).collect();
        let standings = self.warehouse.standings(&keys).await?;
        if term.as_ref() != Some(lease) {
            self.tell_schedule(&standings);
            *term = Some(lease.clone());
        }
        let is_ours = |slot: &OpenSlot| slot.lease.as_ref() == Some(&lease.name) && slot.fence == Some(lease.token);
        let is_elsewhere = |slot: &&OpenSlot| slot.is_running && slot.is_held && !is_ours(slot);
        let open = standings.iter().flat_map(|standing| &standing.open);
        let busy: BTreeSet<&str> = open.filter(is_elsewhere).map(|slot| slot.key.workspace.as_str()).collect();
        for (planned, standing) in self.jobs.iter().zip(&standings) {
            let workspace = planned.schemas.workspace.as_str();
            let now = standing.database_time;
            let Some(newest) = standing.newest else {
                // A job does not run for the time before it was known; the row keeps that time over restarts.
                let name = &planned.job.name;
                self.warehouse
                    .record_skipped(lease, workspace, name, &[now], "job is new: schedule begins here")
                    .await?;
                continue;
            };
            let is_alive = |slot: &OpenSlot| {
                let is_at_work = running.get(workspace).is_some_and(|run| run.slot == slot.key);
                is_at_work || (slot.is_held && !is_ours(slot))
            };
            let due = planned.due(newest, now);
            let decision = decide(&planned.policy, &due, &standing.open, now, is_alive);
            self.write(lease, planned, &decision).await?;
            let is_free = !running.contains_key(workspace) && !busy.contains(workspace);
            if let Some((slot, attempt)) = self.turn(lease, planned, decision, standing, is_free).await? {
                let run =
                    SlotRun::new(&self.warehouse, &self.settings, &self.metrics, planned, leadership, &slot, attempt);
                running.insert(workspace.to_owned(), start(run, ended.clone()));
            }
        }
        Ok(())
    }

    /// Writes the rows of a decision.
    async fn write(&self, lease: &Lease, planned: &PlannedJob, decision: &Decision) -> Result<()> {
        let (workspace, job) = (&planned.schemas.workspace, &planned.job.name);
        for (reason, due) in by_reason(&decision.skip) {
            let recorded = self.warehouse.record_skipped(lease, workspace, job, &due, &reason.to_string()).await?;
            self.tell_skipped(planned, reason, recorded);
        }
        // First the new one, then the end of the old: a crash between the two leaves a slot too many, not one too few.
        for (due, waits) in [(&decision.wait[..], Waits::ItsTurn), (decision.queue.as_slice(), Waits::Queued)] {
            if !due.is_empty() {
                self.warehouse.record_waiting(lease, workspace, job, due, waits).await?;
            }
        }
        for (reason, due) in by_reason(&decision.drop) {
            let ended = self.warehouse.skip_waiting(lease, workspace, job, &due, &reason.to_string()).await?;
            self.tell_skipped(planned, reason, ended);
        }
        Ok(())
    }

    /// Deals with an orphan, then claims the slot whose turn it is: the slot as it stood, and the attempt's number.
    async fn turn(
        &self,
        lease: &Lease,
        planned: &PlannedJob,
        decision: Decision,
        standing: &Standing,
        is_free: bool,
    ) -> Result<Option<(OpenSlot, i32)>> {
        let job = &planned.job.name;
        if let Some((orphan, fate)) = decision.orphan {
            if fate == Orphan::RunAgain && !is_free {
                return Ok(None);
            }
            let Claim::Ours { attempt } = self.warehouse.take_over_slot(lease, &orphan).await? else {
                return Ok(None);
            };
            tracing::warn!(job, scheduled_for = %orphan.key.scheduled_for, attempt, ?fate, "slot taken over");
            let (state, reason) = match fate {
                Orphan::RunAgain => return Ok(Some((orphan, attempt))),
                Orphan::Supersede => ("skipped", Reason::Superseded.to_string()),
                Orphan::GiveUp => ("failed", "given up: no attempt came to an end".to_owned()),
            };
            let outcome = Outcome { state, reason: Some(reason), run_id: None };
            self.warehouse.finish_slot(lease, &orphan.key, &outcome).await?;
            self.metrics.slots_ended(job, state, 1);
        }
        let Some(next) = decision.next.filter(|_| is_free) else { return Ok(None) };
        let (workspace, name) = planned.key();
        let known = standing.open.iter().find(|slot| slot.key.scheduled_for == next).cloned();
        let key = SlotKey { workspace, job: name, scheduled_for: next };
        let claim = self.warehouse.claim_slot(lease, &key).await?;
        let Claim::Ours { attempt } = claim else { return Ok(None) };
        Ok(Some((known.unwrap_or_else(|| OpenSlot::new(key)), attempt)))
    }

    /// Ends what jobs left behind that are no longer configured.
    async fn retire(&self, lease: &Lease) -> Result<()> {
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for planned in &self.jobs {
            names.entry(&planned.schemas.workspace).or_default().push(planned.job.name.clone());
        }
        for (workspace, names) in names {
            let retired = self.warehouse.retire_slots(lease, workspace, &names).await?;
            if retired > 0 {
                tracing::warn!(workspace, slots = retired, "slots of jobs that are no longer configured were ended");
            }
        }
        Ok(())
    }

    fn tell_schedule(&self, standings: &[Standing]) {
        for (planned, standing) in self.jobs.iter().zip(standings) {
            let next = planned.next_after(standing.newest.unwrap_or(standing.database_time));
            let next = next.map(|next| next.to_rfc3339());
            tracing::info!(job = planned.job.name, workspace = planned.schemas.workspace, next, "job scheduled");
        }
    }

    fn tell_skipped(&self, planned: &PlannedJob, reason: Reason, count: i64) {
        if count > 0 {
            let (workspace, job) = (&planned.schemas.workspace, &planned.job.name);
            tracing::warn!(job, workspace, due_times = count, %reason, "due times skipped");
            self.metrics.slots_ended(job, "skipped", count.unsigned_abs());
        }
    }

    /// Asks running work to end, waits for it and for collections as long as the grace period says, and drops what is left.
    async fn wind_down(&self, mut running: Runs, mut endings: mpsc::Receiver<Ending>, mut collecting: JoinSet<()>) {
        running.values().for_each(Running::cancel);
        let grace = Duration::from_secs(self.settings.serve.grace_seconds);
        // Each run ends itself within the grace and a little; this is the limit if it cannot even do that.
        let limit = tokio::time::sleep(grace + TIDY + Duration::from_millis(500));
        tokio::pin!(limit);
        while !running.is_empty() || !collecting.is_empty() {
            tokio::select! {
                Some(ending) = endings.recv() => drop(running.remove(&ending.workspace)),
                Some(_) = collecting.join_next() => {}
                () = &mut limit => break,
            }
        }
        for (workspace, run) in running {
            tracing::warn!(
                workspace,
                job = run.slot.job,
                "run did not end in time; a later leader takes its slot over"
            );
            run.task.abort();
        }
    }
}

/// Starts the run; its ending is sent.
fn start(run: SlotRun, ended: mpsc::Sender<Ending>) -> Running {
    let (stop, stopping) = watch::channel(false);
    let (slot, lease) = (run.slot.clone(), run.lease.clone());
    let workspace = slot.workspace.clone();
    let task = tokio::spawn(async move {
        let is_published = run.perform(stopping).await.is_published();
        let superseding = is_published.then_some(run);
        // Nobody listens any more when the daemon has stopped.
        let _ = ended.send(Ending { workspace, superseding }).await;
    });
    Running { slot, lease, stop, task }
}

/// Drops what the run made superfluous, beside whatever runs next.
async fn collect(ending: Ending, stop: watch::Receiver<bool>) {
    if let Some(run) = ending.superseding {
        run.collect_garbage(&Bound::after(GARBAGE).or_with(stop)).await;
    }
}

fn by_reason(times: &[(Reason, DateTime<Utc>)]) -> BTreeMap<Reason, Vec<DateTime<Utc>>> {
    let mut grouped: BTreeMap<Reason, Vec<DateTime<Utc>>> = BTreeMap::new();
    for (reason, at) in times {
        grouped.entry(*reason).or_default().push(*at);
    }
    grouped
}
