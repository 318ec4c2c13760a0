//! The pages on a real database: what they show, exports, health, metrics, and the headers that every answer carries.

use crate::harness::Database;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use quintile::config::{Schemas, Settings};
use quintile::serve::{self, App, Metrics};
use quintile::warehouse::Warehouse;
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt;

/// The routes that answer without a persona, and one address that is none.
const PATHS: [&str; 11] = [
    "/",
    "/quality",
    "/quality?workspace=nowhere",
    "/?workspace=nowhere",
    "/livez",
    "/readyz",
    "/metrics",
    "/static/style.css",
    "/static/icon.svg",
    "/export/persona/vips.csv",
    "/no/such/page",
];

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
async fn the_page_of_data_quality_tells_what_is_wrong_first_and_what_made_up_ids_mean() {
    let database = published().await;
    let router = router(database.warehouse().await, database.settings());
    let (status, _, page) = get(&router, "/quality").await;
    assert_eq!(status, StatusCode::OK);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    assert!(place("Customer ids of till are made up") < place("each gathers 4.0 orders"));
    assert!(place("Discount out of range") < place("Stale"), "errors come before warnings");
    assert!(
        place("Stale") < place("Checks that are well or normal") && place("Checks that are well") < place("Returned")
    );
    for text in [
        "3 of 900 (0.3%)",
        "blocks the publish",
        "The latest order is 9 days older",
        "9 days before the run&#x27;s last",
        "100 of 1,000 (10.0%)",
        "no file was loaded",
        "400 rows, usually 410",
        "Campaign members",
        "60 of 1,400 (4.3%)",
        "&lt;i&gt;... is not a number",
        "more rows for other reasons, 30 reasons in all",
        "101",
    ] {
        place(text);
    }
    assert_eq!(page.matches("0.3%").count(), 1, "a finding that only counts is not told twice");
    assert!(!page.contains("class=\"missing\"") && !page.contains(" style=") && !page.contains("<i>"));
    assert_eq!(get(&router, "/quality?workspace=nowhere").await.0, StatusCode::NOT_FOUND);
    // A project of one's own need not have the relations; one made by an older version has no tables and rejects.
    let sql = "DROP TABLE marts.data_quality_tables, marts.data_quality_rejects;
        UPDATE quintile.live SET published_at = now()";
    database.client().await.batch_execute(sql).await.expect("dropped");
    let (status, _, page) = get(&router, "/quality").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("The relation &quot;data_quality_rejects&quot; is not published"), "{page}");
    assert!(page.contains("Discount out of range"), "the other sections are there");
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
    let (status, _, page) = get(&router(database.warehouse().await, database.settings()), "/quality").await;
    assert!(status == StatusCode::OK && page.contains("Nothing is published yet"), "{page}");
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
