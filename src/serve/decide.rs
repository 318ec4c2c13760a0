//! Pure: what becomes of the due times of one job, from where its slots stand and what its policy says.
//!
//! Every due time becomes a row as soon as it is seen, waiting or skipped with the reason; only rows that wait are run.
//! So nothing that matters is in the memory of a process, and whoever leads next decides alike.

use crate::config::{CatchUp, Job, Overlap};
use crate::warehouse::slot_look::OpenSlot;
use chrono::{DateTime, TimeDelta, Utc};

/// A slot whose runs took the whole process down this often is given up.
const ATTEMPTS: i32 = 5;

/// Why a due time is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Superseded,
    StillRunning,
    Late,
    NoCatchUp,
    BeyondLimit(usize),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Superseded => f.write_str("superseded by a newer due time"),
            Reason::StillRunning => f.write_str("job was still running"),
            Reason::Late => f.write_str("missed its start deadline"),
            Reason::NoCatchUp => f.write_str("missed while no daemon ran, and catch_up is none"),
            Reason::BeyondLimit(limit) => write!(f, "missed, and older than the newest {limit} of catch_up_limit"),
        }
    }
}

/// What a job's settings say about the times that it could not keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) catch_up: CatchUp,
    pub(super) catch_up_limit: usize,
    pub(super) start_deadline: Option<TimeDelta>,
    pub(super) overlap: Overlap,
    /// A due time that is found within this time was not missed: leadership may have changed hands just then.
    pub(super) on_time: TimeDelta,
}

impl Policy {
    /// The policy of a job in daemons whose lease lasts `lease_seconds`.
    pub(super) fn of(job: &Job, lease_seconds: u64) -> Policy {
        let seconds = |seconds: u64| TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000));
        Policy {
            catch_up: job.catch_up,
            catch_up_limit: job.catch_up_limit,
            start_deadline: job.start_deadline_seconds.map(seconds),
            overlap: job.overlap,
            on_time: seconds(lease_seconds.saturating_mul(2).max(60)),
        }
    }
}

/// What is to be written, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Due times to record as skipped.
    pub(super) skip: Vec<(Reason, DateTime<Utc>)>,
    /// Due times to record as waiting.
    pub(super) wait: Vec<DateTime<Utc>>,
    /// The one of them, if any, that waits behind a run of its job.
    pub(super) queue: Option<DateTime<Utc>>,
    /// Waiting slots that end as skipped.
    pub(super) drop: Vec<(Reason, DateTime<Utc>)>,
    /// A slot that nobody runs, and what to do with it.
    pub(super) orphan: Option<(OpenSlot, Orphan)>,
    /// The slot whose turn it is, when there is room for a run; after the orphan.
    pub(super) next: Option<DateTime<Utc>>,
}

/// What becomes of a slot whose runner is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orphan {
    /// Another attempt.
    RunAgain,
    /// A newer due time makes it needless.
    Supersede,
    /// No attempt came to an end.
    GiveUp,
}

/// Decides about `due` times (new ones, oldest first) and the job's `open` slots; `is_alive` knows who is at work.
pub(super) fn decide(
    policy: &Policy,
    due: &[DateTime<Utc>],
    open: &[OpenSlot],
    now: DateTime<Utc>,
    is_alive: impl Fn(&OpenSlot) -> bool,
) -> Decision {
    let mut decision = Decision::default();
    let is_late = |at: &DateTime<Utc>| policy.start_deadline.is_some_and(|deadline| now - *at > deadline);
    let (late, due): (Vec<_>, Vec<_>) = due.iter().copied().partition(is_late);
    decision.skip.extend(late.into_iter().map(|at| (Reason::Late, at)));
    let running = open.iter().find(|slot| slot.is_running);
    let mut waiting = Vec::new();
    for slot in open.iter().filter(|slot| !slot.is_running) {
        if !slot.is_manual && is_late(&slot.key.scheduled_for) {
            decision.drop.push((Reason::Late, slot.key.scheduled_for));
        } else {
            waiting.push(slot);
        }
    }
    match running {
        Some(slot) if is_alive(slot) => {
            overlapping(policy, due, &waiting, &mut decision);
            return decision;
        }
        Some(orphan) => {
            let newer = due.last().is_some_and(|newest| *newest > orphan.key.scheduled_for);
            let fate = if orphan.attempt >= ATTEMPTS {
                Orphan::GiveUp
            } else if newer && policy.catch_up == CatchUp::Latest && !orphan.is_manual {
                Orphan::Supersede
            } else {
                Orphan::RunAgain
            };
            decision.orphan = Some((orphan.clone(), fate));
        }
        None => {}
    }
    missed(policy, due, &waiting, now, &mut decision);
    let is_dropped = |slot: &&OpenSlot| decision.drop.iter().any(|(_, at)| *at == slot.key.scheduled_for);
    let kept = waiting.iter().filter(|slot| !is_dropped(slot)).map(|slot| slot.key.scheduled_for);
    decision.next = kept.chain(decision.wait.iter().copied()).min();
    decision
}

/// Due times while a run of the job is at work.
fn overlapping(policy: &Policy, mut due: Vec<DateTime<Utc>>, waiting: &[&OpenSlot], decision: &mut Decision) {
    decision.queue = if policy.overlap == Overlap::QueueOne { due.pop() } else { None };
    let reason = if decision.queue.is_some() { Reason::Superseded } else { Reason::StillRunning };
    decision.skip.extend(due.into_iter().map(|at| (reason, at)));
    supersede(waiting, |slot| slot.is_queued, decision.queue, decision);
}

/// Due times while no run of the job is at work.
fn missed(
    policy: &Policy,
    mut due: Vec<DateTime<Utc>>,
    waiting: &[&OpenSlot],
    now: DateTime<Utc>,
    decision: &mut Decision,
) {
    if policy.catch_up == CatchUp::All {
        let beyond = due.len().saturating_sub(policy.catch_up_limit);
        let reason = Reason::BeyondLimit(policy.catch_up_limit);
        decision.skip.extend(due.drain(..beyond).map(|at| (reason, at)));
        decision.wait.extend(due);
        supersede(waiting, |slot| slot.is_queued, None, decision);
        return;
    }
    if policy.catch_up == CatchUp::None {
        let (missed, kept): (Vec<_>, Vec<_>) = due.into_iter().partition(|at| now - *at > policy.on_time);
        decision.skip.extend(missed.into_iter().map(|at| (Reason::NoCatchUp, at)));
        due = kept;
    }
    let newest = due.pop();
    decision.skip.extend(due.into_iter().map(|at| (Reason::Superseded, at)));
    decision.wait.extend(newest);
    // One waiting already, as behind another job of the workspace, is as stale as one that was missed.
    supersede(waiting, |slot| !slot.is_manual, newest, decision);
}

/// Of the waiting slots of a kind only the newest is kept, and not even that when `newer` takes its place.
fn supersede(
    waiting: &[&OpenSlot],
    is_of_kind: impl Fn(&OpenSlot) -> bool,
    newer: Option<DateTime<Utc>>,
    decision: &mut Decision,
) {
    let of_kind = || waiting.iter().filter(|slot| is_of_kind(slot)).map(|slot| slot.key.scheduled_for);
    let kept = newer.or_else(|| of_kind().max());
    decision.drop.extend(of_kind().filter(|at| Some(*at) != kept).map(|at| (Reason::Superseded, at)));
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
