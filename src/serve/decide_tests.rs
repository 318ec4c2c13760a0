//! Tests of the decisions: each policy by hand, and what holds whatever the policy.

use super::*;
use crate::warehouse::slots::SlotKey;
use proptest::prelude::*;

/// Minutes after some midnight.
fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).expect("in range")
}

fn policy(catch_up: CatchUp, overlap: Overlap) -> Policy {
    Policy { catch_up, catch_up_limit: 3, start_deadline: None, overlap, on_time: TimeDelta::seconds(60) }
}

fn slot(minute: i64, is_running: bool) -> OpenSlot {
    OpenSlot {
        key: SlotKey { workspace: "w".into(), job: "j".into(), scheduled_for: at(minute) },
        is_running,
        is_manual: false,
        is_queued: false,
        attempt: i32::from(is_running),
        lease: Some("serve:w".into()),
        fence: Some(1),
        is_held: is_running,
        run_id: None,
    }
}

fn minutes(times: &[i64]) -> Vec<DateTime<Utc>> {
    times.iter().copied().map(at).collect()
}

fn alive(slot: &OpenSlot) -> bool {
    slot.is_held
}

#[test]
fn latest_runs_the_newest_missed_time() {
    let told = decide(&policy(CatchUp::Latest, Overlap::Skip), &minutes(&[1, 2, 3]), &[slot(0, false)], at(90), alive);
    assert_eq!(told.skip, [(Reason::Superseded, at(1)), (Reason::Superseded, at(2))]);
    assert_eq!((told.wait, told.next), (minutes(&[3]), Some(at(3))));
    assert_eq!(told.drop, [(Reason::Superseded, at(0))], "one that waited is as stale");
}

#[test]
fn all_runs_the_oldest_first_within_the_limit() {
    let told = decide(&policy(CatchUp::All, Overlap::Skip), &minutes(&[1, 2, 3, 4, 5]), &[], at(90), alive);
    assert_eq!(told.skip, [(Reason::BeyondLimit(3), at(1)), (Reason::BeyondLimit(3), at(2))]);
    assert_eq!((told.wait, told.next), (minutes(&[3, 4, 5]), Some(at(3))));
    let backlog = [slot(3, true), slot(4, false), slot(5, false)];
    let told = decide(&policy(CatchUp::All, Overlap::Skip), &minutes(&[6]), &backlog, at(90), alive);
    assert_eq!((told.skip, told.drop), (vec![(Reason::StillRunning, at(6))], vec![]), "the backlog is kept");
}

#[test]
fn none_runs_only_what_is_on_time() {
    let told = decide(&policy(CatchUp::None, Overlap::Skip), &minutes(&[1, 2, 90]), &[], at(90), alive);
    assert_eq!(told.skip, [(Reason::NoCatchUp, at(1)), (Reason::NoCatchUp, at(2))]);
    assert_eq!(told.next, Some(at(90)));
    let told = decide(&policy(CatchUp::None, Overlap::Skip), &minutes(&[1, 2]), &[], at(90), alive);
    assert_eq!((told.skip.len(), told.next), (2, None));
}

#[test]
fn a_start_deadline_ends_old_times_waiting_or_not() {
    let policy = Policy { start_deadline: Some(TimeDelta::minutes(10)), ..policy(CatchUp::All, Overlap::Skip) };
    let mut asked = slot(2, false);
    asked.is_manual = true;
    let told = decide(&policy, &minutes(&[3, 85]), &[slot(1, false), asked], at(90), alive);
    assert_eq!((told.skip, told.drop), (vec![(Reason::Late, at(3))], vec![(Reason::Late, at(1))]));
    assert_eq!(told.next, Some(at(2)), "a request has no deadline");
}

#[test]
fn while_the_job_runs_times_are_skipped_or_the_newest_waits() {
    let at_work = [slot(1, true)];
    let told = decide(&policy(CatchUp::Latest, Overlap::Skip), &minutes(&[2, 3]), &at_work, at(3), alive);
    assert_eq!(told.skip, [(Reason::StillRunning, at(2)), (Reason::StillRunning, at(3))]);
    assert_eq!((told.next, told.queue), (None, None));

    let mut queued = slot(2, false);
    queued.is_queued = true;
    let told =
        decide(&policy(CatchUp::Latest, Overlap::QueueOne), &minutes(&[3, 4]), &[slot(1, true), queued], at(4), alive);
    assert_eq!((told.skip, told.drop), (vec![(Reason::Superseded, at(3))], vec![(Reason::Superseded, at(2))]));
    assert_eq!((told.queue, told.next), (Some(at(4)), None));
}

#[test]
fn an_orphan_runs_again_unless_something_newer_is_due() {
    let mut orphan = slot(1, true);
    orphan.is_held = false;
    let fate = |catch_up, due: &[i64], orphan: &OpenSlot| {
        decide(&policy(catch_up, Overlap::Skip), &minutes(due), std::slice::from_ref(orphan), at(2), alive)
            .orphan
            .map(|(_, fate)| fate)
    };
    assert_eq!(fate(CatchUp::Latest, &[], &orphan), Some(Orphan::RunAgain));
    assert_eq!(fate(CatchUp::Latest, &[2], &orphan), Some(Orphan::Supersede));
    assert_eq!(fate(CatchUp::All, &[2], &orphan), Some(Orphan::RunAgain));
    let manual = OpenSlot { is_manual: true, ..orphan.clone() };
    assert_eq!(fate(CatchUp::Latest, &[2], &manual), Some(Orphan::RunAgain));
    let worn = OpenSlot { attempt: ATTEMPTS, ..orphan };
    assert_eq!(fate(CatchUp::Latest, &[], &worn), Some(Orphan::GiveUp));
}

proptest! {
    /// No due time is lost or decided twice, and at most one of the new ones is run unless all are wanted.
    #[test]
    fn every_due_time_gets_one_answer(
        catch_up in prop::sample::select(vec![CatchUp::Latest, CatchUp::All, CatchUp::None]),
        overlap in prop::sample::select(vec![Overlap::Skip, Overlap::QueueOne]),
        deadline in proptest::option::of(1_i64..100),
        due in prop::collection::btree_set(50_i64..150, 0..20),
        open in prop::collection::btree_map(0_i64..50, any::<(bool, bool)>(), 0..5),
        running in proptest::option::of((0_i64..50, any::<bool>())),
    ) {
        let mut policy = policy(catch_up, overlap);
        policy.start_deadline = deadline.map(TimeDelta::minutes);
        let mut slots: Vec<OpenSlot> = open
            .iter()
            .map(|(minute, (is_manual, is_queued))| {
                OpenSlot { is_manual: *is_manual, is_queued: *is_queued && !is_manual, ..slot(*minute, false) }
            })
            .collect();
        if let Some((minute, is_held)) = running {
            slots.retain(|slot| slot.key.scheduled_for != at(minute));
            slots.push(OpenSlot { is_held, ..slot(minute, true) });
        }
        let due: Vec<_> = due.into_iter().map(at).collect();
        let told = decide(&policy, &due, &slots, at(150), alive);
        let mut answered: Vec<_> = told.skip.iter().map(|(_, at)| *at).collect();
        answered.extend(told.wait.iter().chain(&told.queue));
        answered.sort();
        prop_assert_eq!(answered, due);
        prop_assert!(catch_up == CatchUp::All || told.wait.len() <= 1);
        let at_work = slots.iter().any(|slot| slot.is_running && slot.is_held);
        prop_assert!(!at_work || (told.next.is_none() && told.wait.is_empty() && told.orphan.is_none()));
        for slot in slots.iter().filter(|slot| slot.is_manual) {
            prop_assert!(!told.drop.iter().any(|(_, at)| *at == slot.key.scheduled_for), "a request is never dropped");
        }
        if let Some(next) = told.next {
            prop_assert!(!told.drop.iter().any(|(_, at)| *at == next));
        }
    }
}
