//! The daemon on a real database: what it runs of missed times, overlaps and requests, how it stops, who takes over.

use crate::harness::Database;
use chrono::{DateTime, Utc};
use quintile::config::{CatchUp, Job, Overlap, Settings};
use quintile::error::Result;
use quintile::serve::{self, jobs};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_postgres::Client;

/// A daemon of this process.
pub struct Daemon {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<Result<()>>,
}

impl Daemon {
    /// Starts one on a free port.
    pub async fn start(database: &Database, settings: &Settings) -> Daemon {
        let listener = serve::bind("127.0.0.1:0").await.expect("a port");
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(serve::serve(database.warehouse().await, settings.clone(), listener, stopping));
        Daemon { stop, task }
    }

    /// Asks it to end, and waits for that.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await.expect("in time");
        ended.expect("no panic").expect("no error");
    }

    /// Ends it where it stands, as a crash would: nothing is given back.
    pub fn crash(self) {
        self.task.abort();
    }
}

/// A project whose one model takes as long as `gate.pause` says.
pub async fn paced(database: &Database, folder: &Path, schedule: &str) -> Settings {
    let sql = "CREATE SCHEMA gate; CREATE TABLE gate.pause AS SELECT 0::float8 AS seconds";
    database.client().await.batch_execute(sql).await.expect("a gate");
    std::fs::create_dir(folder.join("models")).expect("a folder");
    let model =
        "{{ config(materialized='table') }}\nSELECT 1 AS id, pg_sleep(p.seconds)::text AS slept FROM gate.pause AS p";
    std::fs::write(folder.join("models/paced.sql"), model).expect("a model");
    let job = Job::new("nightly", schedule);
    let mut settings = Settings { jobs: vec![job], project_dir: folder.to_path_buf(), ..database.settings() };
    settings.serve.lease_seconds = 3;
    settings.serve.grace_seconds = 0;
    settings.run.lease_seconds = 2;
    settings
}

/// Sets the time that the model takes.
pub async fn pace(client: &Client, seconds: u32) {
    client.batch_execute(&format!("UPDATE gate.pause SET seconds = {seconds}")).await.expect("set");
}

/// As if a slot had been published this many minutes ago: what follows was missed.
async fn published_minutes_ago(client: &Client, minutes: i32) {
    let sql = format!(
        "INSERT INTO quintile.slots (workspace, job, scheduled_for, state, trigger) VALUES \
         ('default', 'nightly', date_trunc('minute', clock_timestamp()) - interval '{minutes} minutes', 'published', 'schedule')"
    );
    client.batch_execute(&sql).await.expect("an old slot");
}

/// Waits until the query counts `count`, a minute at most.
pub async fn wait_for(client: &Client, sql: &str, count: i64) {
    let until = Instant::now() + Duration::from_secs(60);
    while client.query_one(sql, &[]).await.expect("a row").get::<_, i64>(0) != count {
        assert!(Instant::now() < until, "{sql} did not become {count}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// State and reason of all slots but the inserted one, oldest first.
async fn ends(client: &Client) -> Vec<(String, String)> {
    let sql = "SELECT state, coalesce(reason, '') FROM quintile.slots WHERE lease IS NOT NULL ORDER BY scheduled_for";
    let rows = client.query(sql, &[]).await.expect("slots");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%' AND state = 'active' \
                       AND datname = current_database() AND pid <> pg_backend_pid()";
const HELD: &str = "SELECT count(*) FROM quintile.leases WHERE expires_at > clock_timestamp()";
const OPEN: &str = "SELECT count(*) FROM quintile.slots WHERE state IN ('waiting', 'running')";

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_cancels_the_run_gives_the_lease_back_and_the_next_leader_goes_on() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let settings = paced(&database, folder.path(), "* * * * *").await;
    let client = database.client().await;
    pace(&client, 120).await;
    published_minutes_ago(&client, 2).await;
    let daemon = Daemon::start(&database, &settings).await;
    wait_for(&client, AT_WORK, 1).await;
    daemon.stop().await;
    wait_for(&client, AT_WORK, 0).await;
    assert_eq!(client.query_one(HELD, &[]).await.expect("a row").get::<_, i64>(0), 0, "all leases are given back");
    let left = "SELECT count(*) FROM quintile.slots WHERE state = 'running' AND attempt = 1 AND run_id IS NOT NULL";
    wait_for(&client, left, 1).await;

    pace(&client, 0).await;
    let daemon = Daemon::start(&database, &settings).await;
    let done = "SELECT least(count(*), 1) FROM quintile.slots WHERE state = 'published' AND attempt > 0";
    wait_for(&client, done, 1).await;
    daemon.stop().await;
    let ends = ends(&client).await;
    let superseded = ("skipped".to_owned(), "superseded by a newer due time".to_owned());
    // The minute may have turned in between: then the interrupted one is as stale as one that was missed.
    assert!(ends.iter().all(|end| end.0 == "published" || *end == superseded || end.0 == "running"), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_of_a_crashed_leader_is_run_again_and_published_once() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    // Not due again while this test runs.
    let mut settings = paced(&database, folder.path(), "0 0 1 1 *").await;
    let client = database.client().await;
    let old = "INSERT INTO quintile.slots (workspace, job, scheduled_for, state) VALUES ('default', 'nightly', '2020-01-01Z', 'published')";
    client.batch_execute(old).await.expect("an old slot");
    pace(&client, 120).await;
    settings.jobs[0].catch_up = CatchUp::Latest;
    let first = Daemon::start(&database, &settings).await;
    wait_for(&client, AT_WORK, 1).await;
    first.crash();
    pace(&client, 0).await;
    client.batch_execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%' AND state = 'active' AND pid <> pg_backend_pid()").await.expect("cancelled");
    let second = Daemon::start(&database, &settings).await;
    wait_for(&client, OPEN, 0).await;
    second.stop().await;
    let sql = "SELECT state, attempt FROM quintile.slots WHERE lease IS NOT NULL AND state <> 'skipped'";
    let rows = client.query(sql, &[]).await.expect("slots");
    let told: Vec<(&str, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("published", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_missed_times_the_newest_is_run_or_all_or_none() {
    let folder = tempfile::tempdir().expect("a folder");
    for catch_up in [CatchUp::Latest, CatchUp::All, CatchUp::None] {
        let (database, folder) = (Database::new().await, tempfile::tempdir_in(folder.path()).expect("a folder"));
        let mut settings = paced(&database, folder.path(), "* * * * *").await;
        settings.jobs[0].catch_up = catch_up;
        settings.jobs[0].catch_up_limit = 3;
        // Longer ago than what still counts as on time.
        let client = database.client().await;
        published_minutes_ago(&client, 7).await;
        let daemon = Daemon::start(&database, &settings).await;
        wait_for(&client, "SELECT least(count(*), 6) FROM quintile.slots WHERE lease IS NOT NULL", 6).await;
        wait_for(&client, OPEN, 0).await;
        daemon.stop().await;
        let ends = ends(&client).await;
        let count =
            |state: &str, reason: &str| ends.iter().filter(|end| end.0 == state && end.1.starts_with(reason)).count();
        match catch_up {
            CatchUp::Latest => {
                assert_eq!(ends[..5].iter().filter(|end| end.1 == "superseded by a newer due time").count(), 5);
                assert!(count("published", "") >= 1, "{ends:?}");
            }
            CatchUp::All => {
                assert_eq!(count("skipped", "missed, and older than the newest 3"), ends.len().min(7) - 3, "{ends:?}");
                let sql = "SELECT count(*) FROM (SELECT started_at < lag(finished_at) OVER (ORDER BY scheduled_for) AS bad \
                           FROM quintile.slots WHERE attempt > 0) AS pairs WHERE bad";
                wait_for(&client, sql, 0).await;
            }
            CatchUp::None => assert!(count("skipped", "missed while no daemon ran") >= 4, "{ends:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_time_while_the_job_runs_is_skipped_or_waits() {
    for overlap in [Overlap::Skip, Overlap::QueueOne] {
        let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
        let mut settings = paced(&database, folder.path(), "* * * * *").await;
        settings.jobs[0].overlap = overlap;
        let client = database.client().await;
        // A run of somebody else, who is alive.
        let elsewhere = "INSERT INTO quintile.leases VALUES ('job:default:nightly', 'x', 1, now(), now() + interval '1 hour'); \
            INSERT INTO quintile.slots (workspace, job, scheduled_for, state, lease, fence, attempt) \
            SELECT 'default', 'nightly', date_trunc('minute', now()) - interval '5 minutes', 'running', lease, fence, 1 FROM quintile.leases";
        client.batch_execute(elsewhere).await.expect("a slot at work");
        let daemon = Daemon::start(&database, &settings).await;
        wait_for(&client, "SELECT least(count(*), 6) FROM quintile.slots", 6).await;
        let running = "SELECT count(*) FROM quintile.slots WHERE state = 'running'";
        wait_for(&client, running, 1).await;
        let told = ends(&client).await;
        match overlap {
            Overlap::Skip => assert!(told[1..].iter().all(|end| end.1 == "job was still running"), "{told:?}"),
            Overlap::QueueOne => {
                assert_eq!(told.last().expect("slots").0, "waiting", "{told:?}");
                let older = &told[1..told.len() - 1];
                assert!(older.iter().all(|end| end.1 == "superseded by a newer due time"), "{told:?}");
                client
                    .batch_execute("UPDATE quintile.slots SET state = 'failed' WHERE state = 'running'")
                    .await
                    .expect("ended");
                let sql = "SELECT least(count(*), 1) FROM quintile.slots WHERE state = 'published' AND attempt = 1";
                wait_for(&client, sql, 1).await;
            }
        }
        daemon.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_job_does_not_run_for_the_past_and_a_request_runs_at_once() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let settings = paced(&database, folder.path(), "0 0 1 1 *").await;
    let client = database.client().await;
    let daemon = Daemon::start(&database, &settings).await;
    wait_for(&client, "SELECT count(*) FROM quintile.slots", 1).await;
    let row = client.query_one("SELECT state, reason FROM quintile.slots", &[]).await.expect("one slot");
    assert_eq!((row.get(0), row.get(1)), ("skipped", "job is new: schedule begins here"));

    let planned = jobs::plan(&settings).expect("good jobs").remove(0);
    let warehouse = database.warehouse().await;
    serve::request_run(&warehouse, &planned, Some("a")).await.expect("requested");
    wait_for(&client, "SELECT count(*) FROM quintile.slots WHERE trigger = 'manual' AND state = 'published'", 1).await;
    let sql =
        "SELECT r.trigger FROM quintile.slots AS s JOIN quintile.runs AS r USING (run_id) WHERE s.request_id = 'a'";
    let trigger: String = client.query_one(sql, &[]).await.expect("its run").get(0);
    assert_eq!(trigger, "manual:nightly");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_is_cancelled_and_named() {
    let (database, folder) = (Database::new().await, tempfile::tempdir().expect("a folder"));
    let mut settings = paced(&database, folder.path(), "0 0 1 1 *").await;
    settings.jobs[0].timeout_seconds = Some(1);
    let client = database.client().await;
    pace(&client, 120).await;
    let planned = jobs::plan(&settings).expect("good jobs").remove(0);
    serve::request_run(&database.warehouse().await, &planned, None).await.expect("requested");
    let daemon = Daemon::start(&database, &settings).await;
    wait_for(&client, "SELECT count(*) FROM quintile.slots WHERE state = 'failed'", 1).await;
    let sql = "SELECT reason FROM quintile.slots WHERE state = 'failed'";
    let reason: String = client.query_one(sql, &[]).await.expect("a slot").get(0);
    assert_eq!(reason, "run took longer than 1 seconds and was cancelled");
    wait_for(&client, AT_WORK, 0).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_dbt_project_waits_for_news() {
    let database = Database::new().await;
    let client = database.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA feed; CREATE TABLE feed.orders AS SELECT 1 AS id, timestamptz '2026-01-01 00:00Z' AS at",
        )
        .await
        .expect("a source");
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in [
        ("dbt_project.yml", "name: gate\nversion: '1'\n"),
        ("models/ids.sql", "{{ config(materialized='table') }} select id from {{ source('feed', 'orders') }}"),
        ("models/feed.yml", "sources: [{name: feed, config: {loaded_at_field: at}, tables: [{name: orders}]}]\n"),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let mut settings = Settings { jobs: vec![Job::new("nightly", "0 0 1 1 *")], ..database.settings() };
    settings.jobs[0].project_dir = Some(folder.path().to_path_buf());
    settings.jobs[0].fresher_than_last_run = Some("source:feed".into());
    let planned = jobs::plan(&settings).expect("good jobs").remove(0);
    let warehouse = database.warehouse().await;
    let daemon = Daemon::start(&database, &settings).await;
    let mut ends: Vec<(String, String)> = Vec::new();
    for (round, news) in ["", "", "UPDATE feed.orders SET at = at + interval '1 hour'"].iter().enumerate() {
        client.batch_execute(news).await.expect("news");
        let id = round.to_string();
        serve::request_run(&warehouse, &planned, Some(&id)).await.expect("requested");
        let done = format!("SELECT count(*) FROM quintile.slots WHERE request_id = '{id}' AND finished_at IS NOT NULL");
        wait_for(&client, &done, 1).await;
        let sql = format!("SELECT state, coalesce(reason, '') FROM quintile.slots WHERE request_id = '{id}'");
        let row = client.query_one(&sql, &[]).await.expect("a slot");
        ends.push((row.get(0), row.get(1)));
    }
    daemon.stop().await;
    let states: Vec<&str> = ends.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["published", "skipped", "published"], "{ends:?}");
    assert_eq!(
        ends[1].1,
        "no source of \"source:feed\" is newer than at the last successful run; the newest row is of 2026-01-01 00:00:00 UTC"
    );
    let runs = client.query_one("SELECT count(*) FROM quintile.invocations WHERE state = 'success'", &[]).await;
    assert_eq!(runs.expect("a row").get::<_, i64>(0), 2);
    let newest: DateTime<Utc> =
        client.query_one("SELECT max_loaded_at FROM quintile.job_sources", &[]).await.expect("one source").get(0);
    assert_eq!(newest.to_rfc3339(), "2026-01-01T01:00:00+00:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_our_own_models_waits_for_news() {
    let database = Database::new().await;
    let client = database.client().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("models")).expect("a folder");
    let model = "{{ config(materialized='table') }}\nSELECT count(*) AS lines FROM {{ source('raw', 'orders') }}";
    std::fs::write(folder.path().join("models/lines.sql"), model).expect("a model");
    let source = "sources: [{name: raw, tables: [{name: orders}]}]\n";
    std::fs::write(folder.path().join("models/sources.yml"), source).expect("a source");
    let mut settings = Settings {
        jobs: vec![Job::new("nightly", "0 3 * * *")],
        project_dir: folder.path().into(),
        ..database.settings()
    };
    settings.jobs[0].fresher_than_last_run = Some("source:raw.orders".into());
    let mut ends = Vec::new();
    crate::shop::fill_orders(&database.warehouse().await, 30).await;
    for news in ["", "", "ALTER TABLE raw.orders ADD COLUMN news int"] {
        client.batch_execute(news).await.expect("news");
        client.batch_execute("DELETE FROM quintile.slots").await.expect("no slots");
        let (_keep, stop) = watch::channel(false);
        let request = serve::OnceRequest { job: "nightly".into(), slot: None, is_forced: false };
        let done = serve::once(&database.warehouse().await, &settings, &request, stop).await.expect("an answer");
        let serve::Once::Ran(_, serve::Ended::With(outcome)) = done else { panic!("{done:?}") };
        ends.push((outcome.state, outcome.reason.unwrap_or_default()));
    }
    let unchanged = "no source of \"source:raw.orders\" has changed since the last successful run".to_owned();
    assert_eq!(ends, [("published", String::new()), ("skipped", unchanged), ("published", String::new())]);
}
