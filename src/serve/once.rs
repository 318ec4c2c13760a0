//! One slot of one job, without a daemon: for schedulers that start a process for each due time.
//!
//! It holds a lease of its own while it works, so that daemons and others like it see that the slot is in hand, and
//! take it over when the process is gone.

use super::decide::Reason;
use super::holder;
use super::jobs::{self, PlannedJob};
use super::leader::{self, Candidate, Leadership, stopped};
use super::metrics::Metrics;
use super::runner::{Ended, SlotRun};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::gc_bound::Bound;
use crate::warehouse::lease::Lease;
use crate::warehouse::slot_look::{OpenSlot, SlotEntry, Standing};
use crate::warehouse::slots::{Claim, Outcome, SlotKey, Waits};
use chrono::{DateTime, SecondsFormat, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Time of a collection after the run: nobody waits for a prompt, and nobody else collects here.
const GARBAGE: Duration = Duration::from_secs(60);

/// Which slot is wanted.
#[derive(Clone, Debug)]
pub struct OnceRequest {
    /// Name of the job.
    pub job: String,
    /// The due time; none means the newest.
    pub slot: Option<DateTime<Utc>>,
    /// Also a time that the schedule does not know.
    pub is_forced: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// We ran it.
    Ran(SlotKey, Ended),
    /// It had ended before.
    Ended(SlotEntry),
    /// Somebody else is at work on it, or on another slot of the job.
    AtWork(SlotKey),
}

/// Claims the slot, runs it as a daemon would, and writes its end.
pub async fn once(
    warehouse: &Warehouse,
    settings: &Settings,
    request: &OnceRequest,
    stop: watch::Receiver<bool>,
) -> Result<Once> {
    let jobs = jobs::plan(settings)?;
    let planned = jobs::find(&jobs, &request.job)?;
    let (workspace, job) = planned.key();
    let standing = standing(warehouse, planned).await?;
    let key = SlotKey { scheduled_for: wanted(planned, request, standing.database_time)?, workspace, job };
    if let Some(slot) = warehouse.slot(&key).await?
        && !["waiting", "running"].contains(&slot.state.as_str())
    {
        return Ok(Once::Ended(slot));
    }
    let holder = holder(&settings.host_name());
    let candidate = Candidate::of_job(settings, holder, &key.workspace, &key.job);
    let Some(leadership) = candidate.take(warehouse).await? else { return Ok(Once::AtWork(key)) };
    let (leading, mut follow) = watch::channel(Some(leadership.clone()));
    let (ends, ended) = watch::channel(false);
    let keeper = tokio::spawn(leader::lead(warehouse.clone(), candidate, leading.clone(), ended));
    let claimed = claim(warehouse, planned, request, &leadership.lease, &standing, key.clone()).await;
    let ran = match claimed {
        Ok(Claimed::Ours(found, attempt)) => {
            let metrics = Arc::new(Metrics::default());
            let run = SlotRun::new(warehouse, settings, &metrics, planned, &leadership, &found, attempt);
            let (halt, halted) = watch::channel(false);
            let watching = tokio::spawn(halt_when_lost(stop, follow.clone(), leadership.lease.clone(), halt));
            let ran = run.perform(halted.clone()).await;
            if ran.is_published() {
                run.collect_garbage(&Bound::after(GARBAGE).or_with(halted)).await;
            }
            watching.abort();
            Ok(Once::Ran(key, ran))
        }
        Ok(Claimed::Ended(slot)) => Ok(Once::Ended(slot)),
        Ok(Claimed::AtWork) => Ok(Once::AtWork(key)),
        Err(e) => Err(e),
    };
    follow.mark_unchanged();
    ends.send_replace(true);
    super::joined(keeper.await)?;
    leader::release(warehouse, &leading).await;
    ran
}

/// What the claim led to.
enum Claimed {
    /// The slot as it stood, and the number of our attempt.
    Ours(OpenSlot, i32),
    Ended(SlotEntry),
    AtWork,
}

async fn standing(warehouse: &Warehouse, planned: &PlannedJob) -> Result<Standing> {
    let mut standings = warehouse.standings(&[planned.key()]).await?;
    standings.pop().ok_or_else(|| Error::failed("the server's answer about the job is empty"))
}

/// The due time that is meant, checked.
fn wanted(planned: &PlannedJob, request: &OnceRequest, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let name = &planned.job.name;
    let Some(slot) = request.slot else {
        return planned.newest_due(now).ok_or_else(|| Error::usage(format!("job \"{name}\" was never due")));
    };
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if slot > now {
        return Err(Error::usage(format!("slot {} of job \"{name}\" is not due yet", text(slot)))
            .detail(format!("By the database's clock it is {}.", text(now))));
    }
    if !request.is_forced && !planned.is_due_at(slot) {
        let error = Error::usage(format!("{} is no due time of job \"{name}\"", text(slot)));
        let before = planned.newest_due(slot).map(|before| format!("The due time before it is {}.", text(before)));
        return Err(Error { detail: before, ..error }.hint("name a due time, or add --force"));
    }
    Ok(slot)
}

/// Records the slot if nobody did, and claims it or takes it over from whoever died.
async fn claim(
    warehouse: &Warehouse,
    planned: &PlannedJob,
    request: &OnceRequest,
    lease: &Lease,
    standing: &Standing,
    key: SlotKey,
) -> Result<Claimed> {
    let (workspace, job, at) = (&key.workspace, &key.job, key.scheduled_for);
    if let (None, Some(newest)) = (request.slot, standing.newest) {
        let mut passed = planned.due(newest, at);
        passed.retain(|due| *due < at);
        if !passed.is_empty() {
            let reason = Reason::Superseded.to_string();
            warehouse.record_skipped(lease, workspace, job, &passed, &reason).await?;
        }
    }
    let waits = if planned.is_due_at(at) { Waits::ItsTurn } else { Waits::Asked };
    warehouse.record_waiting(lease, workspace, job, &[at], waits).await?;
    let open = self::standing(warehouse, planned).await?.open;
    let is_ours = |slot: &OpenSlot| slot.lease.as_ref() == Some(&lease.name) && slot.fence == Some(lease.token);
    if let Some(running) = open.iter().find(|slot| slot.is_running) {
        if running.is_held && !is_ours(running) {
            return Ok(Claimed::AtWork);
        }
        // Nobody else works on it any more.
        match warehouse.take_over_slot(lease, running).await? {
            Claim::Ours { attempt } if running.key == key => return Ok(Claimed::Ours(running.clone(), attempt)),
            Claim::Ours { .. } => {
                let reason = Some(Reason::Superseded.to_string());
                let outcome = Outcome { state: "skipped", reason, run_id: None };
                warehouse.finish_slot(lease, &running.key, &outcome).await?;
            }
            Claim::Taken | Claim::NotLeader => return Ok(Claimed::AtWork),
        }
    }
    match (warehouse.claim_slot(lease, &key).await?, warehouse.slot(&key).await?) {
        (Claim::Ours { attempt }, _) => {
            let known = open.into_iter().find(|slot| slot.key == key);
            Ok(Claimed::Ours(known.unwrap_or_else(|| OpenSlot::new(key)), attempt))
        }
        (_, Some(slot)) if !["waiting", "running"].contains(&slot.state.as_str()) => Ok(Claimed::Ended(slot)),
        _ => Ok(Claimed::AtWork),
    }
}

/// Ends the run at a stop signal, and when another has taken our lease.
async fn halt_when_lost(
    mut stop: watch::Receiver<bool>,
    mut follow: watch::Receiver<Option<Leadership>>,
    lease: Lease,
    halt: watch::Sender<bool>,
) {
    let is_lost = |held: &Option<Leadership>| held.as_ref().is_none_or(|held| held.lease != lease);
    tokio::select! {
        () = stopped(&mut stop) => {}
        _ = follow.wait_for(is_lost) => {}
    }
    halt.send_replace(true);
}
