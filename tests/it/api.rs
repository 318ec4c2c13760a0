//! `/api/` on a real database: nothing without the token, the right status for each mistake, one slot for each request.

use crate::harness::Database;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use quintile::config::{Job, Settings};
use quintile::serve::{self, App, Metrics, jobs};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt;

const TOKEN: &str = "a token that nobody guesses";

async fn router(database: &Database, token: Option<&str>) -> Router {
    let mut settings = Settings { jobs: vec![Job::new("nightly", "0 3 * * *")], ..database.settings() };
    settings.serve.api_token = token.map(str::to_owned);
    let planned = jobs::plan(&settings).expect("good jobs");
    let (_, leadership) = watch::channel(None);
    let listening = "127.0.0.1:8080".parse().expect("an address");
    let app = App::new(database.warehouse().await, settings, Arc::new(Metrics::default()), leadership, listening);
    serve::router(app.with_jobs(planned))
}

struct Call<'a> {
    method: Method,
    path: &'a str,
    token: Option<&'a str>,
    host: &'a str,
    body: String,
}

impl Default for Call<'_> {
    fn default() -> Self {
        let body = String::new();
        Call { method: Method::GET, path: "/api/jobs", token: Some(TOKEN), host: "localhost", body }
    }
}

async fn call(router: &Router, call: Call<'_>) -> (StatusCode, Value) {
    let mut request = Request::builder().method(call.method).uri(call.path).header("host", call.host);
    if let Some(token) = call.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = router.clone().oneshot(request.body(Body::from(call.body)).expect("a request")).await.expect("one");
    let status = response.status();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["cache-control"], "no-store");
    if status == StatusCode::METHOD_NOT_ALLOWED {
        assert!(response.headers().contains_key("allow"), "a 405 tells what is allowed");
    }
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn post(body: &str) -> Call<'_> {
    Call { method: Method::POST, path: "/api/jobs/nightly/runs", body: body.to_owned(), ..Call::default() }
}

#[tokio::test]
async fn nothing_is_told_without_the_token() {
    let database = Database::new().await;
    let with = router(&database, Some(TOKEN)).await;
    for path in ["/api/jobs", "/api/jobs/nightly/runs", "/api/nothing"] {
        for token in [None, Some("wrong"), Some(""), Some("a token that nobody guesse")] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let (status, told) = call(&with, Call { method, path, token, ..Call::default() }).await;
                assert_eq!((status, &told["error"]), (StatusCode::UNAUTHORIZED, &json!("token is missing or wrong")));
            }
        }
    }
    let foreign = Call { host: "evil.example", ..Call::default() };
    assert_eq!(call(&with, foreign).await.0, StatusCode::MISDIRECTED_REQUEST);

    let without = router(&database, None).await;
    assert_eq!(call(&without, Call::default()).await.0, StatusCode::NOT_FOUND, "no token in the settings, no API");
    assert_eq!(call(&without, post("")).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn each_mistake_has_its_status() {
    let database = Database::new().await;
    let router = router(&database, Some(TOKEN)).await;
    let delete = Call { method: Method::DELETE, ..Call::default() };
    assert_eq!(call(&router, delete).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let no_job = Call { path: "/api/jobs/weekly/runs", ..post("") };
    assert_eq!(call(&router, no_job).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&router, Call { path: "/api/nothing", ..Call::default() }).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&router, post("{")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(call(&router, post("{\"request\": \"a\"}")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(call(&router, post("{\"request_id\": \"\"}")).await.0, StatusCode::BAD_REQUEST);
    let long = format!("{{\"request_id\": \"{}\"}}", "a".repeat(5000));
    assert_eq!(call(&router, post(&long)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let count = "SELECT count(*) FROM quintile.slots";
    assert_eq!(database.client().await.query_one(count, &[]).await.expect("a row").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_request_is_one_slot_however_often_it_comes() {
    let database = Database::new().await;
    let router = router(&database, Some(TOKEN)).await;
    let (status, first) = call(&router, post("{\"request_id\": \"a\"}")).await;
    assert_eq!((status, &first["run"]["state"]), (StatusCode::ACCEPTED, &json!("waiting")));
    let (status, same) = call(&router, post("{\"request_id\": \"a\"}")).await;
    assert_eq!((status, &same["run"]), (StatusCode::OK, &first["run"]));
    let (status, other) = call(&router, post("")).await;
    assert_eq!((status, &other["run"]), (StatusCode::CONFLICT, &first["run"]));

    let (status, told) = call(&router, Call::default()).await;
    assert_eq!(status, StatusCode::OK);
    let job = &told["jobs"][0];
    assert_eq!(
        (&job["job"], &job["schedule"], &job["catch_up"]),
        (&json!("nightly"), &json!("0 3 * * *"), &json!("latest"))
    );
    assert!(job["next_due_local"].as_str().expect("text").ends_with("T03:00:00+00:00"), "{job}");
    let (_, told) = call(&router, Call { path: "/api/jobs/nightly/runs", ..Call::default() }).await;
    assert_eq!(told["runs"], json!([first["run"]]));
}
