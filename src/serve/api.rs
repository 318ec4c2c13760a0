//! `/api/`: jobs and their runs as JSON, for callers with the token of the settings.

use super::http::App;
use super::job_list::list_jobs;
use super::jobs::PlannedJob;
use super::requests::{Asked, request_run};
use crate::config::Settings;
use crate::error::{Error, Kind};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

/// Slots of a job that an answer holds.
const SLOTS: i64 = 50;
/// A request says little.
const BODY_MAX: usize = 4096;

/// The secret's hash: hashes are compared in constant time, and a hash in memory gives nothing away.
#[derive(Clone, Copy)]
pub(super) struct Token(blake3::Hash);

/// The token of the settings; without one there is no API.
pub(super) fn token(settings: &Settings) -> Option<Token> {
    settings.serve.api_token.as_ref().map(|token| Token(blake3::hash(token.as_bytes())))
}

/// The routes below `/api`.
pub(super) fn router(token: Token) -> Router<App> {
    Router::new()
        .route("/jobs", get(jobs))
        .route("/jobs/{job}/runs", get(runs).post(run_now))
        .method_not_allowed_fallback(async || refused(StatusCode::METHOD_NOT_ALLOWED, "method is not allowed here"))
        .fallback(async || refused(StatusCode::NOT_FOUND, "there is nothing at this address"))
        .layer(axum::middleware::from_fn_with_state(token, authorize))
}

async fn authorize(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let is_right = given.is_some_and(|(_, secret)| blake3::hash(secret.trim().as_bytes()) == token.0);
    if is_right {
        return next.run(request).await;
    }
    let mut response = refused(StatusCode::UNAUTHORIZED, "token is missing or wrong");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"quintile\""));
    response
}

async fn jobs(State(app): State<App>) -> Response {
    match list_jobs(&app.warehouse, &app.jobs, SLOTS).await {
        Ok(entries) => answer(StatusCode::OK, &json!({ "jobs": entries })),
        Err(e) => failed(&e),
    }
}

async fn runs(State(app): State<App>, Path(job): Path<String>) -> Response {
    let Some(planned) = find(&app, &job) else { return no_job() };
    match app.warehouse.newest_slots(&[planned.key()], SLOTS).await {
        Ok(slots) => answer(StatusCode::OK, &json!({ "runs": slots })),
        Err(e) => failed(&e),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    request_id: Option<String>,
}

async fn run_now(State(app): State<App>, Path(job): Path<String>, body: Body) -> Response {
    let Some(planned) = find(&app, &job) else { return no_job() };
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "body is too large");
    };
    let asking = match body.is_empty() {
        true => Asking::default(),
        false => match serde_json::from_slice(&body) {
            Ok(asking) => asking,
            Err(_) => return refused(StatusCode::BAD_REQUEST, "body is not {\"request_id\": \"...\"}"),
        },
    };
    match request_run(&app.warehouse, planned, asking.request_id.as_deref()).await {
        Ok(Asked::New(slot)) => {
            tracing::info!(job, request_id = slot.request_id, "run requested");
            answer(StatusCode::ACCEPTED, &json!({ "run": slot }))
        }
        Ok(Asked::Known(slot)) => answer(StatusCode::OK, &json!({ "run": slot })),
        Ok(Asked::Waits(slot)) => {
            let told = json!({ "error": "a requested run of this job waits already", "run": slot });
            answer(StatusCode::CONFLICT, &told)
        }
        Err(e) if e.kind == Kind::Usage => refused(StatusCode::BAD_REQUEST, &e.message),
        Err(e) => failed(&e),
    }
}

fn find<'a>(app: &'a App, job: &str) -> Option<&'a PlannedJob> {
    app.jobs.iter().find(|planned| planned.job.name == job)
}

fn no_job() -> Response {
    refused(StatusCode::NOT_FOUND, "there is no job of this name")
}

fn answer(status: StatusCode, value: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, format!("{value}\n")).into_response()
}

fn refused(status: StatusCode, why: &str) -> Response {
    answer(status, &json!({ "error": why }))
}

/// The caller learns that it failed; why is in the log alone.
fn failed(error: &Error) -> Response {
    tracing::error!(what = "api", "request failed: {}", error.report());
    refused(StatusCode::SERVICE_UNAVAILABLE, "database did not answer; try again in a moment")
}
