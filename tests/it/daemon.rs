//! The daemon on a real database: one leader, each due time once, pages, exports, and a stop that ends.

use crate::harness::Database;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use quintile::config::{Job, Schemas, Settings};
use quintile::serve::{self, App, Metrics};
use quintile::warehouse::Warehouse;
use quintile::warehouse::lease::Lease;
use quintile::warehouse::slots::{Claim, Outcome};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tower::ServiceExt;

const WAIT: Duration = Duration::from_secs(5);
const LASTING: Duration = Duration::from_secs(15);
/// The routes that answer without a persona, and one address that is none.
const PATHS: [&str; 9] = [
    "/",
    "/?workspace=nowhere",
    "/livez",
    "/readyz",
    "/metrics",
    "/static/style.css",
    "/static/icon.svg",
    "/export/persona/vips.csv",
    "/no/such/page",
];

async fn lead(warehouse: &Warehouse, holder: &str, lasting: Duration) -> Option<Lease> {
    warehouse.acquire_lease("serve:test", holder, lasting, WAIT).await.expect("an answer").map(|(lease, _)| lease)
}

fn router(warehouse: Warehouse, settings: Settings) -> Router {
    let (_, leadership) = watch::channel(None);
    let listening = "127.0.0.1:8080".parse().expect("an address");
    serve::router(App::new(warehouse, settings, Arc::new(Metrics::default()), leadership, listening))
}

async fn ask(router: &Router, method: Method, path: &str, host: &str) -> (StatusCode, HeaderMap, String) {
    let request =
        Request::builder().method(method).uri(path).header("host", host).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, headers, String::from_utf8(body.to_vec()).expect("text"))
}

async fn get(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    ask(router, Method::GET, path, "localhost:8080").await
}

/// A database with the published relations of the fixture.
async fn published() -> Database {
    let database = Database::new().await;
    database.client().await.batch_execute(include_str!("../fixtures/page.sql")).await.expect("the fixture");
    database
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
    let due = Utc::now() - TimeDelta::minutes(1);
    let first = lead(&warehouse, "a", Duration::from_millis(300)).await.expect("free");
    assert_eq!(warehouse.claim_slot(&first, "default", "nightly", due).await.expect("claimed"), Claim::Ours);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let second = lead(&warehouse, "b", LASTING).await.expect("expired");

    let later = due + TimeDelta::seconds(30);
    let stale = warehouse.claim_slot(&first, "default", "nightly", later).await.expect("an answer");
    assert_eq!(stale, Claim::NotLeader, "a stale fence claims nothing");
    assert!(warehouse.skip_slots(&first, "default", "nightly", &[later], "x").await.is_err());

    let orphans = warehouse.take_over_slots(&second, "default", "nightly", &[]).await.expect("taken over");
    assert_eq!(orphans.iter().map(|orphan| orphan.attempt).collect::<Vec<_>>(), [2]);
    let outcome = Outcome { state: "published", reason: None, run_id: None };
    let refused = warehouse.finish_slot(&first, "default", "nightly", orphans[0].scheduled_for, &outcome).await;
    assert_eq!(refused.expect_err("not its slot any more").message, "lease \"serve:test\" is no longer ours");
    warehouse.finish_slot(&second, "default", "nightly", orphans[0].scheduled_for, &outcome).await.expect("finished");
}

#[tokio::test]
async fn of_five_claimers_one_gets_the_slot() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let lease = lead(&warehouse, "a", LASTING).await.expect("free");
    let start = Utc::now() - TimeDelta::days(1);
    for minute in 0..20 {
        let due = start + TimeDelta::minutes(minute);
        let claims = (0..5).map(|_| warehouse.claim_slot(&lease, "default", "nightly", due));
        let claims = futures_util::future::join_all(claims).await;
        let ours = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Ours))).count();
        let taken = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Taken))).count();
        assert_eq!((ours, taken), (1, 4), "{claims:?}");
    }
}

#[tokio::test]
async fn slots_of_removed_jobs_end_as_skipped() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let first = lead(&warehouse, "a", LASTING).await.expect("free");
    warehouse.claim_slot(&first, "default", "old", Utc::now()).await.expect("claimed");
    warehouse.release_lease(&first, WAIT).await.expect("released");
    let second = lead(&warehouse, "b", LASTING).await.expect("free");
    let retired = warehouse.retire_slots(&second, "default", &["nightly".to_owned()]).await.expect("an answer");
    assert_eq!(retired, 1);
}

#[tokio::test]
async fn the_page_shows_what_is_published() {
    let database = published().await;
    let router = router(database.warehouse().await, database.settings());
    let (status, headers, page) = get(&router, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    for text in
        ["4,000", "£3,004,101", "1 Nov 2026, 00:00 UTC", "At-risk value", "pareto_nbd", "Hibernating", "Export CSV"]
    {
        assert!(page.contains(text), "{text} is missing");
    }
    assert!(!page.contains("class=\"missing\"") && !page.contains(" style="));
    assert_eq!(get(&router, "/?workspace=nowhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&router, "/no/such/page").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_project_without_a_relation_still_has_a_page() {
    let database = published().await;
    let sql = "DROP TABLE marts.cluster_quality; ALTER TABLE marts.cohort_cells DROP COLUMN is_complete";
    database.client().await.batch_execute(sql).await.expect("dropped");
    let (status, _, page) = get(&router(database.warehouse().await, database.settings()), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("The relation &quot;cluster_quality&quot; is not published"), "{page}");
    assert!(page.contains("The relation &quot;cohort_cells&quot; does not have the columns"));
    assert!(!page.contains("SELECT") && !page.contains("42703"), "no SQL for the reader");
    assert!(page.contains("£3,004,101"), "the other sections are there");
}

#[tokio::test]
async fn the_page_tells_of_failed_runs_and_made_up_customers() {
    let database = published().await;
    let sql = "
        INSERT INTO quintile.runs (workspace, state, trigger, as_of, process, finished_at)
        VALUES ('default', 'failed', 'cli', now(), 'x', now());
        INSERT INTO quintile.run_models (run_id, model, materialization, state, fingerprint)
        SELECT max(run_id), '<b>rfm</b>', 'table', 'failed', '' FROM quintile.runs;
        UPDATE marts.customer_360 SET id_is_synthetic = true";
    database.client().await.batch_execute(sql).await.expect("a failed run");
    let (_, _, page) = get(&router(database.warehouse().await, database.settings()), "/").await;
    assert!(page.contains("Run 2 failed") && page.contains("&lt;b&gt;rfm"), "{page}");
    assert!(page.contains("Customer ids are made up"));
}

#[tokio::test]
async fn before_the_first_run_the_page_says_what_to_do() {
    let database = Database::new().await;
    let (status, _, page) = get(&router(database.warehouse().await, database.settings()), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nothing is published yet") && page.contains("quintile build"));
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let database = published().await;
    let router = router(database.warehouse().await, database.settings());
    for path in PATHS {
        for (method, host) in
            [(Method::GET, "localhost:8080"), (Method::POST, "localhost"), (Method::GET, "evil.example")]
        {
            let (status, headers, body) = ask(&router, method.clone(), path, host).await;
            let policy = headers["content-security-policy"].to_str().expect("text");
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
            let is_asset = path.starts_with("/static/") && status == StatusCode::OK;
            assert!(is_asset || headers["cache-control"] == "no-store", "{path}");
            match (&method, host) {
                (&Method::POST, _) => assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}"),
                (_, "evil.example") => {
                    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path}");
                    assert!(!body.contains("customers"), "{path}");
                }
                _ => assert!(status == StatusCode::OK || status == StatusCode::NOT_FOUND, "{path}: {status}"),
            }
        }
    }
    let (status, _, body) = ask(&router, Method::HEAD, "/", "localhost").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn health_and_metrics_tell_how_it_stands() {
    let database = published().await;
    let ready = router(database.warehouse().await, database.settings());
    assert_eq!(get(&ready, "/readyz").await.0, StatusCode::OK);
    assert_eq!(get(&ready, "/livez").await.2, "alive\n");
    let (_, _, text) = get(&ready, "/metrics").await;
    assert!(
        text.contains("quintile_leader 0") && text.contains("quintile_published_age_seconds{workspace=\"default\"}"),
        "{text}"
    );
    assert!(text.contains("quintile_http_requests_total{class=\"/readyz\",status=\"200\"} 1"), "{text}");

    let empty = Database::empty().await;
    let settings = Settings { workspace: "default".into(), ..empty.settings() };
    let warehouse = Warehouse::connect(&settings, empty.url()).await.expect("connected");
    empty.client().await.batch_execute("DROP SCHEMA IF EXISTS quintile CASCADE").await.expect("dropped");
    let unready = router(warehouse, settings);
    assert_eq!(get(&unready, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&unready, "/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&unready, "/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_export_is_harmless_complete_and_recorded() {
    let database = published().await;
    let router = router(database.warehouse().await, database.settings());
    let (status, headers, text) = get(&router, "/export/persona/vips.csv").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-disposition"], "attachment; filename=\"default-vips.csv\"");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().expect("a header").clone();
    let place = |name: &str| names.iter().position(|known| known == name).expect("a column");
    let (id, number) = (place("customer_id"), place("recency_z"));
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("good CSV");
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().any(|row| row[id].starts_with("'=HYPERLINK")));
    assert!(rows.iter().all(|row| !row[id].starts_with(['=', '@', '+', '-']) && &row[number] == "-1.5"));

    let sql =
        "SELECT actor, facts ->> 'relation', (facts ->> 'rows')::int FROM quintile.audit_log WHERE action = 'export'";
    let audit = database.client().await.query_one(sql, &[]).await.expect("one row");
    let told: (String, String, i32) = (audit.get(0), audit.get(1), audit.get(2));
    assert_eq!(told, ("dashboard".into(), "persona_vips".into(), 100));
    for path in ["nobody.csv", "vips", "vips.csv%22", "..%2Fvips.csv", "VIPS.csv"] {
        assert_eq!(get(&router, &format!("/export/persona/{path}")).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_export_of_many_rows_is_whole() {
    let database = published().await;
    let sql = "CREATE TABLE marts.persona_many AS SELECT n AS customer_id, 'text ' || n AS words FROM generate_series(1, 200000) AS n";
    database.client().await.batch_execute(sql).await.expect("many rows");
    let router = router(database.warehouse().await, database.settings());
    let (_, _, text) = get(&router, "/export/persona/many.csv").await;
    assert_eq!(text.lines().count(), 200_001);
    assert!(text.ends_with("\r\n"));
}

fn every_minute(settings: Settings) -> Settings {
    let job = Job {
        name: "nightly".into(),
        schedule: "* * * * *".into(),
        timezone: "UTC".into(),
        select: Vec::new(),
        exclude: Vec::new(),
        workspace: None,
        project_dir: None,
        profiles_dir: None,
        target: None,
        command: None,
        fresher_than_last_run: None,
    };
    let mut settings = Settings { jobs: vec![job], ..settings };
    settings.serve.lease_seconds = 3;
    settings
}

#[tokio::test]
async fn a_stop_is_quick_and_gives_the_lease_back() {
    let database = Database::new().await;
    let settings = every_minute(database.settings());
    let listener = serve::bind("127.0.0.1:0").await.expect("a port");
    let (stop, stopping) = watch::channel(false);
    let daemon = tokio::spawn(serve::serve(database.warehouse().await, settings, listener, stopping));
    let client = database.client().await;
    let held = "SELECT count(*) FROM quintile.leases WHERE expires_at > clock_timestamp()";
    wait_for(&client, held, 1).await;
    let asked = Instant::now();
    stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(10), daemon).await.expect("in time").expect("no panic").expect("no error");
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(client.query_one(held, &[]).await.expect("a row").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn of_missed_times_the_newest_is_run_and_the_others_are_recorded() {
    let database = Database::new().await;
    let client = database.client().await;
    let minute = "date_trunc('minute', clock_timestamp())";
    let sql = format!(
        "INSERT INTO quintile.slots (workspace, job, scheduled_for, state, fence) \
         VALUES ('default', 'nightly', {minute} - interval '5 minutes', 'published', 0)"
    );
    client.batch_execute(&sql).await.expect("an old slot");
    let listener = serve::bind("127.0.0.1:0").await.expect("a port");
    let (stop, stopping) = watch::channel(false);
    let settings = every_minute(database.settings());
    let daemon = tokio::spawn(serve::serve(database.warehouse().await, settings, listener, stopping));
    let claimed = "SELECT LEAST(count(*), 1) FROM quintile.slots WHERE fence > 0 AND state <> 'skipped'";
    wait_for(&client, claimed, 1).await;
    stop.send_replace(true);
    daemon.await.expect("no panic").expect("no error");
    let rows = client
        .query("SELECT scheduled_for, state, reason FROM quintile.slots WHERE fence > 0 ORDER BY 1", &[])
        .await
        .expect("slots");
    let superseded = Some("superseded by a newer due time");
    let (skipped, run): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row.get::<_, Option<&str>>("reason") == superseded);
    // The minute may have turned while the daemon started.
    assert!((4..=5).contains(&skipped.len()), "{} skipped", skipped.len());
    let newest_skipped: DateTime<Utc> = skipped.last().expect("some").get(0);
    assert!(run.iter().all(|row| row.get::<_, DateTime<Utc>>(0) > newest_skipped));
}

#[tokio::test]
async fn a_new_job_does_not_run_for_the_past() {
    let database = Database::new().await;
    let client = database.client().await;
    let mut settings = every_minute(database.settings());
    settings.jobs[0].schedule = "@yearly".into();
    let listener = serve::bind("127.0.0.1:0").await.expect("a port");
    let (stop, stopping) = watch::channel(false);
    let daemon = tokio::spawn(serve::serve(database.warehouse().await, settings, listener, stopping));
    wait_for(&client, "SELECT count(*) FROM quintile.slots", 1).await;
    stop.send_replace(true);
    daemon.await.expect("no panic").expect("no error");
    let row = client.query_one("SELECT state, reason FROM quintile.slots", &[]).await.expect("one slot");
    assert_eq!((row.get(0), row.get(1)), ("skipped", "job is new: schedule begins here"));
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_setting() {
    let first = serve::bind("127.0.0.1:0").await.expect("a port");
    let address = first.local_addr().expect("an address").to_string();
    let error = serve::bind(&address).await.expect_err("in use");
    assert_eq!(error.exit_code(), 2);
    let report = error.report();
    assert!(
        report.contains("serve.listen") && report.contains(&first.local_addr().expect("an address").port().to_string())
    );
}

#[tokio::test]
async fn a_workspace_reads_its_own_schemas() {
    let database = published().await;
    let sql = "
        INSERT INTO quintile.workspaces (workspace, title) VALUES ('shop_b', 'Second shop');
        CREATE SCHEMA shop_b_marts;
        CREATE TABLE shop_b_marts.persona_vips (customer_id text);
        INSERT INTO shop_b_marts.persona_vips VALUES ('only one')";
    database.client().await.batch_execute(sql).await.expect("a second workspace");
    let router = router(database.warehouse().await, database.settings());
    let (_, _, page) = get(&router, "/?workspace=shop_b").await;
    assert!(page.contains("Second shop") && page.contains("Nothing is published yet"));
    let (_, _, text) = get(&router, "/export/persona/vips.csv?workspace=shop_b").await;
    assert_eq!(text, "customer_id\r\nonly one\r\n");
    assert_eq!(Schemas::of("shop_b").expect("a name").marts, "shop_b_marts");
}

/// Waits until the query counts `count`, a minute at most.
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
    let mut settings = every_minute(database.settings());
    settings.jobs[0].project_dir = Some(folder.path().to_path_buf());
    settings.jobs[0].fresher_than_last_run = Some("source:feed".into());
    // Each due time is three minutes back when a daemon finds it, so each term of a daemon runs one.
    let mut ends = Vec::new();
    for news in ["", "", "UPDATE feed.orders SET at = at + interval '1 hour'"] {
        client.batch_execute(news).await.expect("news");
        let due = "date_trunc('minute', clock_timestamp()) - interval '3 minutes'";
        client.batch_execute("DELETE FROM quintile.slots").await.expect("no slots");
        client
            .batch_execute(&format!(
                "INSERT INTO quintile.slots (workspace, job, scheduled_for, state, fence) \
                 VALUES ('default', 'nightly', {due}, 'published', 0)"
            ))
            .await
            .expect("an old slot");
        let listener = serve::bind("127.0.0.1:0").await.expect("a port");
        let (stop, stopping) = watch::channel(false);
        let daemon = tokio::spawn(serve::serve(database.warehouse().await, settings.clone(), listener, stopping));
        let newest = "FROM quintile.slots WHERE fence > 0 AND reason IS DISTINCT FROM 'superseded by a newer due time'";
        wait_for(&client, &format!("SELECT least(count(*), 1) {newest} AND state <> 'running'"), 1).await;
        stop.send_replace(true);
        daemon.await.expect("no panic").expect("no error");
        let sql = format!(
            "SELECT state, coalesce(reason, '') {newest} AND state <> 'running' ORDER BY scheduled_for LIMIT 1"
        );
        let row = client.query_one(&sql, &[]).await.expect("a slot");
        ends.push((row.get::<_, String>(0), row.get::<_, String>(1)));
    }
    let states: Vec<&str> = ends.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["published", "skipped", "published"], "{ends:?}");
    assert_eq!(
        ends[1].1,
        "no source of \"source:feed\" is newer than at the last successful run; the newest row is of 2026-01-01 00:00:00 UTC"
    );
    let runs = client.query_one("SELECT count(*) FROM quintile.invocations WHERE state = 'success'", &[]).await;
    assert_eq!(runs.expect("a row").get::<_, i64>(0), 2);
}

async fn wait_for(client: &tokio_postgres::Client, sql: &str, count: i64) {
    let until = Instant::now() + Duration::from_secs(60);
    while client.query_one(sql, &[]).await.expect("a row").get::<_, i64>(0) != count {
        assert!(Instant::now() < until, "{sql} did not become {count}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
