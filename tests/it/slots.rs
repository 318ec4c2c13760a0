//! Slots and leases on a real database: one holder, one claimer, one run of a job, and nothing for whoever comes late.

use crate::harness::Database;
use chrono::{DateTime, Utc};
use quintile::warehouse::Warehouse;
use quintile::warehouse::lease::Lease;
use quintile::warehouse::slot_look::{OpenSlot, Requested};
use quintile::warehouse::slots::{Claim, Outcome, SlotKey, Waits};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(5);
const LASTING: Duration = Duration::from_secs(15);

async fn lead_as(warehouse: &Warehouse, name: &str, holder: &str, lasting: Duration) -> Option<Lease> {
    warehouse.acquire_lease(name, holder, lasting, WAIT).await.expect("an answer").map(|(lease, _)| lease)
}

async fn lead(warehouse: &Warehouse, holder: &str, lasting: Duration) -> Option<Lease> {
    lead_as(warehouse, "serve:test", holder, lasting).await
}

fn key(job: &str, at: DateTime<Utc>) -> SlotKey {
    SlotKey { workspace: "default".into(), job: job.into(), scheduled_for: at }
}

/// Some minutes ago, as exactly as the server keeps it.
fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(Utc::now().timestamp() - minutes * 60, 0).expect("in range")
}

async fn wait_in_line(warehouse: &Warehouse, lease: &Lease, slot: &SlotKey) {
    let due = [slot.scheduled_for];
    warehouse.record_waiting(lease, "default", &slot.job, &due, Waits::ItsTurn).await.expect("recorded");
}

async fn open(warehouse: &Warehouse, job: &str) -> Vec<OpenSlot> {
    let jobs = [("default".to_owned(), job.to_owned())];
    warehouse.standings(&jobs).await.expect("an answer").remove(0).open
}

fn published() -> Outcome {
    Outcome { state: "published", reason: None, run_id: None }
}

#[tokio::test]
async fn a_lease_has_one_holder_and_its_fence_grows() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let first = lead(&warehouse, "a", LASTING).await.expect("free");
    assert!(lead(&warehouse, "b", LASTING).await.is_none(), "held by a");
    assert!(warehouse.renew_lease(&first, LASTING, WAIT).await.expect("an answer").is_some());

    warehouse.release_lease(&first, WAIT).await.expect("released");
    let second = lead(&warehouse, "b", LASTING).await.expect("free again");
    assert!(second.token > first.token, "{second:?} after {first:?}");
    assert!(
        warehouse.renew_lease(&first, LASTING, WAIT).await.expect("an answer").is_none(),
        "an old fence renews nothing"
    );
    // A late release of the former holder must not free the lease of the present one.
    warehouse.release_lease(&first, WAIT).await.expect("an answer");
    assert!(lead(&warehouse, "a", LASTING).await.is_none());
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_and_its_slots_with_it() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let slot = key("nightly", minutes_ago(1));
    let first = lead(&warehouse, "a", Duration::from_secs(1)).await.expect("free");
    wait_in_line(&warehouse, &first, &slot).await;
    assert_eq!(warehouse.claim_slot(&first, &slot).await.expect("claimed"), Claim::Ours { attempt: 1 });
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = lead(&warehouse, "b", LASTING).await.expect("expired");

    let later = minutes_ago(0);
    assert!(warehouse.record_skipped(&first, "default", "nightly", &[later], "x").await.is_err(), "a stale fence");
    wait_in_line(&warehouse, &second, &key("other", later)).await;
    let stale = warehouse.claim_slot(&first, &key("other", later)).await.expect("an answer");
    assert_eq!(stale, Claim::NotLeader, "a stale fence claims nothing");

    let orphan = open(&warehouse, "nightly").await.remove(0);
    assert!(orphan.is_running && !orphan.is_held);
    let again = warehouse.take_over_slot(&second, &orphan).await.expect("an answer");
    assert_eq!(again, Claim::Ours { attempt: 2 });
    let twice = warehouse.take_over_slot(&second, &orphan).await.expect("an answer");
    assert_eq!(twice, Claim::Taken, "it does not stand as it was seen");
    let refused = warehouse.finish_slot(&first, &slot, &published()).await;
    assert_eq!(refused.expect_err("not its slot any more").message, "lease \"serve:test\" is no longer ours");
    warehouse.finish_slot(&second, &slot, &published()).await.expect("finished");
}

#[tokio::test]
async fn the_fence_of_a_dead_holder_is_broken_before_its_slot_is_taken() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let slot = key("nightly", minutes_ago(1));
    let single = lead_as(&warehouse, "job:default:nightly", "a", Duration::from_secs(1)).await.expect("free");
    let daemon = lead(&warehouse, "b", LASTING).await.expect("free");
    wait_in_line(&warehouse, &single, &slot).await;
    warehouse.claim_slot(&single, &slot).await.expect("claimed");

    let alive = open(&warehouse, "nightly").await.remove(0);
    assert!(alive.is_held);
    assert_eq!(warehouse.take_over_slot(&daemon, &alive).await.expect("an answer"), Claim::Taken, "its holder lives");

    tokio::time::sleep(Duration::from_millis(1100)).await;
    let dead = open(&warehouse, "nightly").await.remove(0);
    assert!(!dead.is_held);
    assert_eq!(warehouse.take_over_slot(&daemon, &dead).await.expect("an answer"), Claim::Ours { attempt: 2 });
    let sql = "SELECT fence FROM quintile.leases WHERE lease = 'job:default:nightly'";
    let fence: i64 = database.client().await.query_one(sql, &[]).await.expect("a row").get(0);
    assert!(fence > single.token, "what the dead one still publishes is refused");
}

#[tokio::test]
async fn of_many_claimers_one_gets_the_slot_and_one_slot_of_a_job_is_at_work() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let lease = lead(&warehouse, "a", LASTING).await.expect("free");
    for round in 0..20 {
        let job = format!("job {round}");
        let slots: Vec<SlotKey> = (1..=3).map(|minute| key(&job, minutes_ago(minute))).collect();
        for slot in &slots {
            wait_in_line(&warehouse, &lease, slot).await;
        }
        let claims = (0..6).map(|claimer| warehouse.claim_slot(&lease, &slots[claimer % 3]));
        let claims = futures_util::future::join_all(claims).await;
        let ours = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Ours { attempt: 1 }))).count();
        let taken = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Taken))).count();
        assert_eq!((ours, taken), (1, 5), "{claims:?}");
    }
}

#[tokio::test]
async fn slots_of_removed_jobs_end_as_skipped_and_those_of_other_leases_stay() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let other = lead_as(&warehouse, "serve:elsewhere", "x", LASTING).await.expect("free");
    let foreign = key("foreign", minutes_ago(1));
    wait_in_line(&warehouse, &other, &foreign).await;
    warehouse.claim_slot(&other, &foreign).await.expect("claimed");
    let first = lead(&warehouse, "a", LASTING).await.expect("free");
    let old = key("old", minutes_ago(1));
    wait_in_line(&warehouse, &first, &old).await;
    warehouse.claim_slot(&first, &old).await.expect("claimed");
    wait_in_line(&warehouse, &first, &key("older", minutes_ago(1))).await;
    warehouse.release_lease(&first, WAIT).await.expect("released");
    // Fences of different leases say nothing about each other: this one is far ahead of the foreign slot's.
    let second = lead(&warehouse, "b", LASTING).await.expect("free");
    assert!(second.token > other.token);
    let retired = warehouse.retire_slots(&second, "default", &["nightly".to_owned()]).await.expect("an answer");
    assert_eq!(retired, 2);
    warehouse.finish_slot(&other, &foreign, &published()).await.expect("still its own");
}

#[tokio::test]
async fn a_repeated_request_is_the_same_slot_and_a_second_one_finds_the_first() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let ask = async |id: &str| warehouse.request_slot("default", "nightly", id).await.expect("an answer");
    let first = futures_util::future::join_all((0..5).map(|_| ask("a"))).await;
    let new = first.iter().filter(|asked| matches!(asked, Requested::New(_))).count();
    assert_eq!(new, 1, "{first:?}");
    let (Requested::New(at) | Requested::Known(at) | Requested::Waits(at)) = first[0];
    assert_eq!(ask("a").await, Requested::Known(at));
    assert_eq!(ask("b").await, Requested::Waits(at));

    let lease = lead(&warehouse, "a", LASTING).await.expect("free");
    let slot = key("nightly", at);
    assert_eq!(warehouse.claim_slot(&lease, &slot).await.expect("claimed"), Claim::Ours { attempt: 1 });
    assert!(matches!(ask("b").await, Requested::New(_)), "while the first one runs, another may wait");
    warehouse.finish_slot(&lease, &slot, &published()).await.expect("finished");
    assert_eq!(ask("a").await, Requested::Known(at), "also after its end");
}
