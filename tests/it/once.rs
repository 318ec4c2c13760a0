//! One slot without a daemon: exactly one process runs it, others say why they do not.

use crate::daemon::{Daemon, pace, paced, wait_for};
use crate::harness::Database;
use chrono::{DateTime, TimeDelta, Utc};
use quintile::config::Settings;
use quintile::error::Result;
use quintile::serve::{self, Ended, Once, OnceRequest};
use tokio::sync::watch;

async fn once_at(database: &Database, settings: &Settings, slot: Option<DateTime<Utc>>, force: bool) -> Result<Once> {
    let (_keep, stop) = watch::channel(false);
    let request = OnceRequest { job: "nightly".into(), slot, is_forced: force };
    serve::once(&database.warehouse().await, settings, &request, stop).await
}

fn state(done: &Once) -> &str {
    match done {
        Once::Ran(_, Ended::With(outcome)) => outcome.state,
        Once::Ran(_, Ended::Interrupted) => "interrupted",
        Once::Ended(_) => "had ended",
        Once::AtWork(_) => "at work",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_and_two_daemons_one_runs_the_slot() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let settings = paced(&database, folder.path(), "0 0 1 1 *").await;
    let client = database.client().await;
    pace(&client, 2).await;
    let old = "INSERT INTO quintile.slots (workspace, job, scheduled_for, state) VALUES ('default', 'nightly', '2020-01-01Z', 'published')";
    client.batch_execute(old).await.expect("an old slot");
    let daemons = [Daemon::start(&database, &settings).await, Daemon::start(&database, &settings).await];
    let all = (0..4).map(|_| once_at(&database, &settings, None, false));
    let done = futures_util::future::join_all(all).await;
    wait_for(&client, "SELECT count(*) FROM quintile.slots WHERE state IN ('waiting', 'running')", 0).await;
    for daemon in daemons {
        daemon.stop().await;
    }
    let states: Vec<&str> = done.iter().map(|done| state(done.as_ref().expect("no error"))).collect();
    assert!(states.iter().filter(|state| **state == "published").count() <= 1, "{states:?}");
    assert!(states.iter().all(|state| ["published", "had ended", "at work"].contains(state)), "{states:?}");
    let runs: i64 = client.query_one("SELECT count(*) FROM quintile.runs", &[]).await.expect("a row").get(0);
    assert_eq!(runs, 1);
    assert_eq!(state(&once_at(&database, &settings, None, false).await.expect("an answer")), "had ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_must_be_a_due_time_that_has_passed() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let settings = paced(&database, folder.path(), "0 3 * * *").await;
    let due = DateTime::parse_from_rfc3339("2026-01-10T03:00:00Z").expect("an instant").with_timezone(&Utc);
    let odd = due + TimeDelta::minutes(30);
    let told = once_at(&database, &settings, Some(odd), false).await.expect_err("no due time");
    assert_eq!(
        (told.exit_code(), told.message.as_str()),
        (2, "2026-01-10T03:30:00Z is no due time of job \"nightly\"")
    );
    assert_eq!(told.detail.as_deref(), Some("The due time before it is 2026-01-10T03:00:00Z."));
    let future = Utc::now() + TimeDelta::days(2);
    let told = once_at(&database, &settings, Some(future), true).await.expect_err("not due yet");
    assert!(told.message.ends_with("is not due yet"), "{told}");

    assert_eq!(state(&once_at(&database, &settings, Some(due), false).await.expect("it ran")), "published");
    assert_eq!(state(&once_at(&database, &settings, Some(due), false).await.expect("an answer")), "had ended");
    assert_eq!(state(&once_at(&database, &settings, Some(odd), true).await.expect("it ran")), "published");
    let triggers = "SELECT string_agg(trigger, ',' ORDER BY scheduled_for) FROM quintile.slots";
    let triggers: String = database.client().await.query_one(triggers, &[]).await.expect("a row").get(0);
    assert_eq!(triggers, "schedule,manual", "a forced time does not move the schedule");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_piles_up_where_no_daemon_tidies_up() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let mut settings = paced(&database, folder.path(), "0 3 * * *").await;
    settings.run.skip_unchanged = false;
    for day in 1..=5 {
        let due = format!("2026-01-{day:02}T03:00:00Z").parse().expect("an instant");
        assert_eq!(state(&once_at(&database, &settings, Some(due), false).await.expect("it ran")), "published");
    }
    let tables = "SELECT count(DISTINCT substring(relname FROM '__r([0-9]+)$')) FROM pg_class
        WHERE relnamespace = 'quintile_store'::regnamespace AND relname ~ '__r[0-9]+$'";
    let runs: i64 = database.client().await.query_one(tables, &[]).await.expect("a row").get(0);
    assert_eq!(runs, 2, "as many as are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_model_fails_the_slot_and_is_not_tried_again() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let settings = paced(&database, folder.path(), "0 3 * * *").await;
    std::fs::write(folder.path().join("models/broken.sql"), "{{ config(materialized='table') }}\nSELECT 1 / 0 AS id")
        .expect("a model");
    let done = once_at(&database, &settings, None, false).await.expect("an answer");
    assert_eq!(state(&done), "failed");
    let Once::Ran(_, Ended::With(outcome)) = done else { unreachable!("it failed") };
    assert!(outcome.reason.expect("why").contains("division by zero"));
    let sql = "SELECT count(*) FROM quintile.runs";
    assert_eq!(database.client().await.query_one(sql, &[]).await.expect("a row").get::<_, i64>(0), 1);
}
