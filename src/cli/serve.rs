//! `quintile serve`: the daemon.

use super::session::Session;
use super::{Global, print, stop};
use crate::error::Result;
use crate::serve;
use clap::Args;
use std::process::ExitCode;

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
    let session = Session::open_with(settings).await?;
    let outcome = until_stopped(&session, listener, stop::on_signals()).await;
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
