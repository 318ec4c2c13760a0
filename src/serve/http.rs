//! The routes: pages and exports for people, health and metrics for machines.

use super::guard::{Hosts, guard};
use super::jobs::PlannedJob;
use super::leader::Leadership;
use super::looks::Looks;
use super::metrics::Metrics;
use super::{api, csv, page};
use crate::config::{Schemas, Settings};
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::pages::{Overview, Standing, WorkspaceEntry};
use crate::warehouse::quality_look::QualityLook;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// Health and metrics must not wait for a database that does not answer.
const HEALTH_WAIT: Duration = Duration::from_secs(2);

/// Exports at the same time.
const EXPORTS: usize = 2;

/// What the routes share.
#[derive(Clone)]
pub struct App {
    pub(super) warehouse: Warehouse,
    pub(super) settings: Arc<Settings>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) leadership: watch::Receiver<Option<Leadership>>,
    pub(super) hosts: Hosts,
    pub(super) jobs: Arc<[PlannedJob]>,
    /// Exports at the same time: each holds a connection that runs may need.
    exports: Arc<Semaphore>,
    overviews: Arc<Looks<Overview>>,
    qualities: Arc<Looks<QualityLook>>,
}

/// A workspace, all there are for the selector, and how it stands.
type Opened = (Warehouse, Vec<WorkspaceEntry>, Standing);

impl App {
    /// The shared state of a server that listens on `listening`.
    #[must_use]
    pub fn new(
        warehouse: Warehouse,
        settings: Settings,
        metrics: Arc<Metrics>,
        leadership: watch::Receiver<Option<Leadership>>,
        listening: SocketAddr,
    ) -> App {
        let hosts = Hosts::of(listening);
        App {
            warehouse,
            settings: Arc::new(settings),
            metrics,
            leadership,
            hosts,
            jobs: Arc::default(),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            overviews: Arc::default(),
            qualities: Arc::default(),
        }
    }

    /// With the jobs that `/api/` and the metrics tell of.
    #[must_use]
    pub fn with_jobs(self, jobs: Vec<PlannedJob>) -> App {
        App { jobs: jobs.into(), ..self }
    }

    /// The named workspace, or the one in the settings; `None` when there is no such workspace.
    async fn workspace(&self, asked: Option<&str>) -> Result<Option<(Warehouse, Vec<WorkspaceEntry>)>> {
        let mut entries = self.warehouse.workspaces().await?;
        let own = &self.settings.workspace;
        if !entries.iter().any(|entry| entry.name == *own) {
            entries.insert(0, WorkspaceEntry { name: own.clone(), title: None });
        }
        for entry in &mut entries {
            let titled = self.settings.workspaces.get(&entry.name).and_then(|workspace| workspace.title.clone());
            entry.title = titled.or(entry.title.take());
        }
        let name = asked.unwrap_or(own);
        if !entries.iter().any(|entry| entry.name == name) {
            return Ok(None);
        }
        Ok(Some((self.warehouse.with_schemas(Schemas::of(name)?), entries)))
    }

    /// A workspace that a page is asked of, and how it stands; or the message that goes in the page's place.
    async fn opened(&self, asked: Option<&str>) -> Result<std::result::Result<Opened, Response>> {
        if !self.warehouse.is_migrated(HEALTH_WAIT).await? {
            return Ok(Err(page::message(
                StatusCode::SERVICE_UNAVAILABLE,
                "Not set up yet",
                "Run `quintile migrate`, then load this page again.",
            )));
        }
        let Some((warehouse, workspaces)) = self.workspace(asked).await? else { return Ok(Err(no_workspace())) };
        let standing = warehouse.standing().await?;
        Ok(Ok((warehouse, workspaces, standing)))
    }
}

/// All routes, guarded.
pub fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(overview))
        .route("/quality", get(quality))
        .route("/export/persona/{persona}", get(export))
        .route("/static/style.css", get(style))
        .route("/static/icon.svg", get(icon))
        .route("/livez", get(async || (StatusCode::OK, "alive\n")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || page::message(StatusCode::NOT_FOUND, "Not found", "There is no page at this address."));
    let routes = match api::token(&app.settings) {
        Some(token) => pages.nest("/api", api::router(token)),
        None => pages,
    };
    routes.layer(axum::middleware::from_fn_with_state(app.clone(), guard)).with_state(app)
}

#[derive(Deserialize)]
struct Asked {
    workspace: Option<String>,
}

async fn overview(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let page = overview_page(&app, asked.workspace.as_deref()).await;
    page.unwrap_or_else(|e| unavailable("page", &e))
}

async fn overview_page(app: &App, asked: Option<&str>) -> Result<Response> {
    let (warehouse, workspaces, standing) = match app.opened(asked).await? {
        Ok(opened) => opened,
        Err(message) => return Ok(message),
    };
    let look = match standing.run_id {
        Some(_) => Some(app.overviews.of(&warehouse.schemas.workspace, &standing, warehouse.overview()).await?),
        None => None,
    };
    page::overview(&warehouse.schemas, &workspaces, &standing, look.as_deref())
}

async fn quality(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let page = quality_page(&app, asked.workspace.as_deref()).await;
    page.unwrap_or_else(|e| unavailable("page", &e))
}

async fn quality_page(app: &App, asked: Option<&str>) -> Result<Response> {
    let (warehouse, workspaces, standing) = match app.opened(asked).await? {
        Ok(opened) => opened,
        Err(message) => return Ok(message),
    };
    let look = match standing.run_id {
        Some(_) => Some(app.qualities.of(&warehouse.schemas.workspace, &standing, warehouse.quality()).await?),
        None => None,
    };
    page::quality(&warehouse.schemas, &workspaces, &standing, look.as_deref())
}

/// A persona's customers as CSV; the last part of the path is `<persona>.csv`, with the persona as in the relation's name.
async fn export(State(app): State<App>, Path(file): Path<String>, Query(asked): Query<Asked>) -> Response {
    match export_persona(&app, &file, asked.workspace.as_deref()).await {
        Ok(response) => response,
        Err(e) => unavailable("export", &e),
    }
}

async fn export_persona(app: &App, file: &str, asked: Option<&str>) -> Result<Response> {
    let not_found = || page::message(StatusCode::NOT_FOUND, "Not found", "There is no such persona in this workspace.");
    let Some(persona) = file.strip_suffix(".csv").filter(|name| is_slug(name)) else { return Ok(not_found()) };
    let Some((warehouse, _)) = app.workspace(asked).await? else { return Ok(no_workspace()) };
    let workspace = warehouse.schemas.workspace.clone();
    let Ok(turn) = Arc::clone(&app.exports).try_acquire_owned() else {
        return Ok(page::message(
            StatusCode::SERVICE_UNAVAILABLE,
            "Busy",
            "Other exports are running. Try again in a moment.",
        ));
    };
    let (opened, head) = oneshot::channel();
    let (send, chunks) = mpsc::channel::<Result<Vec<u8>>>(4);
    let relation = format!("persona_{persona}");
    tokio::spawn(async move {
        warehouse.export(&relation, opened, send, csv::row).await;
        drop(turn);
    });
    let Some(head) = head.await.unwrap_or_else(|_| Err(Error::failed("export broke off")))? else {
        return Ok(not_found());
    };
    tracing::info!(workspace, persona, rows = head.rows, "export");
    let mut first = Vec::new();
    csv::header(&mut first, &head.columns);
    let body = stream::iter([Ok(first)]).chain(until_end_mark(chunks)).map(|chunk| chunk.map(Bytes::from));
    let name = format!("attachment; filename=\"{workspace}-{persona}.csv\"");
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name.as_str())];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// The chunks up to the empty one; an error where they stop before it, so that a part is not taken for the whole.
fn until_end_mark(chunks: mpsc::Receiver<Result<Vec<u8>>>) -> impl Stream<Item = Result<Vec<u8>>> {
    stream::unfold(Some(chunks), async |chunks| {
        let mut chunks = chunks?;
        match chunks.recv().await {
            Some(Ok(end)) if end.is_empty() => None,
            Some(Ok(chunk)) => Some((Ok(chunk), Some(chunks))),
            Some(Err(e)) => Some((Err(e), None)),
            None => Some((Err(Error::failed("export broke off")), None)),
        }
    })
}

/// `vips`, `at_risk`: what can follow `persona_` in a relation's name, and stand in a file's name.
fn is_slug(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 50
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../dashboard/static/style.css"))
}

async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../dashboard/static/icon.svg"))
}

/// Assets hold no data; the address of the style, which changes most, carries the program's version.
fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")], text).into_response()
}

async fn ready(State(app): State<App>) -> Response {
    match app.warehouse.is_migrated(HEALTH_WAIT).await {
        Ok(true) => (StatusCode::OK, "ready\n").into_response(),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "migrations are missing\n").into_response(),
        Err(e) => {
            tracing::warn!(error = %e, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "database does not answer\n").into_response()
        }
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let freshness = app.warehouse.freshness(HEALTH_WAIT).await.ok();
    let now = chrono::Utc::now();
    for planned in app.jobs.iter() {
        if let Some(next) = planned.next_after(now) {
            app.metrics.next_due(&planned.schemas.workspace, &planned.job.name, next);
        }
    }
    let leading = app.leadership.borrow().as_ref().is_some_and(Leadership::is_trusted);
    let store = app.warehouse.gc_standing(HEALTH_WAIT).await.ok();
    let text = app.metrics.text(leading, freshness.as_deref(), store.as_deref());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

fn no_workspace() -> Response {
    page::message(StatusCode::NOT_FOUND, "Not found", "There is no workspace of this name.")
}

/// The reader learns that it failed; why is in the log alone.
fn unavailable(what: &'static str, error: &Error) -> Response {
    tracing::error!(what, "request failed: {}", error.report());
    page::message(
        StatusCode::SERVICE_UNAVAILABLE,
        "Not available now",
        "The database did not answer. Try again in a moment; the log has the reason.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn chunks_that_stop_without_the_end_mark_are_an_error() {
        for (ends, errors) in [(true, 0), (false, 1)] {
            let (send, chunks) = mpsc::channel(4);
            send.send(Ok(b"a,b".to_vec())).await.expect("room");
            if ends {
                send.send(Ok(Vec::new())).await.expect("room");
            }
            drop(send);
            let told: Vec<_> = until_end_mark(chunks).collect().await;
            assert_eq!((told.len(), told.iter().filter(|chunk| chunk.is_err()).count()), (1 + errors, errors));
        }
    }
}
