//! `quintile serve`: the daemon.

use super::session::Session;
use super::{Global, print, stop};
use crate::error::Result;
use crate::serve;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Address of the dashboard, health and metrics; default: serve.listen of the settings
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
}

/// Serves until a stop signal.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let mut settings = super::session::settings(global)?;
    if let Some(listen) = arguments.listen {
        settings.serve.listen = listen;
    }
    // The port first: a port in use should not cost the start of a server.
    let listener = serve::bind(&settings.serve.listen).await?;
    serve::check_jobs(&settings).await?;
    let stop = stop::on_signals();
    let patience = Duration::from_secs(settings.serve.start_patience_seconds);
    let open = async || Session::open_with(settings.clone()).await;
    let Some((listener, session)) = serve::patiently(listener, patience, stop.clone(), open).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let outcome = until_stopped(&session, listener, stop).await;
    session.close().await;
    outcome
}

/// Serves the pages and the schedule on an open session until `stop` turns true.
pub async fn until_stopped(
    session: &Session,
    listener: tokio::net::TcpListener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<ExitCode> {
    session.prepare_workspace().await?;
    print::note(&format!("dashboard at http://{}  (Ctrl-C stops)", session.settings.serve.listen));
    serve::serve(session.warehouse.clone(), session.settings.clone(), listener, stop).await?;
    Ok(ExitCode::SUCCESS)
}
