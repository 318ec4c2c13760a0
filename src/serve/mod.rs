//! The daemon: schedule, leadership, shutdown, health, metrics, dashboard.
//!
//! Every replica answers requests; the one that holds the lease also runs jobs. [`serve`] ends when `stop` turns true:
//! no new job starts, running work gets the grace period, the lease is given back.

mod alerts;
mod api;
mod backoff;
mod charts;
mod crontab;
mod csv;
mod dbt_job;
mod decide;
mod format;
mod gate;
mod guard;
mod head;
mod heat;
mod http;
mod job_list;
pub mod jobs;
mod leader;
mod looks;
mod metrics;
mod once;
mod page;
mod patience;
mod quality_view;
mod requests;
mod runner;
pub mod schedule;
mod scheduler;
mod view;
mod webhook;

pub use format::integer as grouped;
pub use http::{App, router};
pub use job_list::{JobEntry, list_jobs};
pub use leader::Leadership;
pub use metrics::Metrics;
pub use once::{Once, OnceRequest, once};
pub use patience::patiently;
pub use requests::{Asked, request_run};
pub use runner::Ended;

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use alerts::Teller;
use jobs::PlannedJob;
use scheduler::Scheduler;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Open requests are given this long after the stop; an export that lasts longer breaks off.
const REQUEST_GRACE: Duration = Duration::from_secs(3);

/// Listens on the address of `serve.listen`.
pub async fn bind(listen: &str) -> Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|e| {
        let told = Error::config(format!("address \"{listen}\" of the setting serve.listen cannot be used"));
        let port = listen.rsplit_once(':').map_or(listen, |(_, port)| port);
        let told = match e.kind() {
            std::io::ErrorKind::AddrInUse => told
                .detail(format!("Another program listens on port {port}."))
                .hint("stop that program, or set another port, for example QUINTILE__SERVE__LISTEN=127.0.0.1:8081"),
            std::io::ErrorKind::PermissionDenied => told
                .detail(format!("The system does not allow this user to listen on port {port}."))
                .hint("set a port of 1024 or more in serve.listen"),
            _ => told.hint("write ADDRESS:PORT in serve.listen, for example 127.0.0.1:8080 or 0.0.0.0:8080"),
        };
        told.source(e)
    })
}

/// Checks the jobs of the settings as far as that goes without a database.
pub async fn check_jobs(settings: &Settings) -> Result<()> {
    let settings = settings.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let jobs = jobs::plan(&settings)?;
        jobs::check_selectors(&settings, &jobs)
    });
    joined(checked.await)?
}

/// Serves pages, and runs jobs while leading, until `stop` turns true.
pub async fn serve(
    warehouse: Warehouse,
    settings: Settings,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let jobs = jobs::plan(&settings)?;
    let teller = Teller::new(&settings, workspaces(&warehouse, &jobs))?;
    let listening =
        listener.local_addr().map_err(|e| Error::config("address of the server cannot be read").source(e))?;
    let metrics = Arc::new(Metrics::default());
    let (leadership, follow) = watch::channel(None);
    let app = App::new(warehouse.clone(), settings.clone(), Arc::clone(&metrics), follow.clone(), listening)
        .with_jobs(jobs.clone());
    tracing::info!(address = %listening, jobs = jobs.len(), "serving");

    let pages = tokio::spawn(serve_pages(listener, app, stop.clone()));
    let leading = {
        let (warehouse, settings, stop) = (warehouse.clone(), settings.clone(), stop.clone());
        let leadership = leadership.clone();
        // Without jobs and alerts there is nothing to lead.
        let has_work = !jobs.is_empty() || teller.is_some();
        tokio::spawn(async move {
            if has_work {
                let candidate = leader::Candidate::of_daemon(&settings, holder(&settings.host_name()));
                leader::lead(warehouse, candidate, leadership, stop).await;
            }
        })
    };
    let telling = teller.map(|teller| tokio::spawn(teller.run(follow.clone(), stop.clone())));
    let scheduler = Scheduler { warehouse: warehouse.clone(), settings, jobs, metrics };
    scheduler.run(follow, stop.clone()).await;
    if let Some(telling) = telling {
        joined(telling.await)?;
    }
    // In this order: a later leader shall find no run of ours at work.
    joined(leading.await)?;
    leader::release(&warehouse, &leadership).await;
    joined(pages.await)??;
    tracing::info!("stopped");
    Ok(())
}

/// The workspaces that the daemon works for: its own, and those of the jobs.
fn workspaces(warehouse: &Warehouse, jobs: &[PlannedJob]) -> Vec<Warehouse> {
    let schemas = std::iter::once(&warehouse.schemas).chain(jobs.iter().map(|job| &job.schemas));
    let named: BTreeMap<&str, Warehouse> =
        schemas.map(|schemas| (schemas.workspace.as_str(), warehouse.with_schemas(schemas.clone()))).collect();
    named.into_values().collect()
}

async fn serve_pages(listener: TcpListener, app: App, stop: watch::Receiver<bool>) -> Result<()> {
    let mut graceful = stop.clone();
    let mut last = stop;
    let server = axum::serve(listener, router(app))
        .with_graceful_shutdown(async move { leader::stopped(&mut graceful).await })
        .into_future();
    let deadline = async move {
        leader::stopped(&mut last).await;
        tokio::time::sleep(REQUEST_GRACE).await;
    };
    tokio::select! {
        ended = server => ended.map_err(|e| Error::failed("server of the pages broke off").source(e)),
        () = deadline => Ok(()),
    }
}

/// One name a holder of a lease: machine, process id, and the time in case the id comes again.
fn holder(machine: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let started = chrono::Utc::now().timestamp_millis();
    // Tests have several daemons in one process.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{machine}:{}:{started}:{count}", std::process::id())
}

fn joined<T>(result: std::result::Result<T, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|e| Error::failed("a task of the daemon broke off").source(e))
}
