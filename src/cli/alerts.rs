//! `quintile alerts`: what was raised to be told outside, and what became of it.

use super::session::Session;
use super::{Global, print};
use crate::error::Result;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// Arguments of `alerts`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only alerts of this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// How many of the newest alerts
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: i64,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// To be told, for the first time or again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// Given up after alerts.max_tries tries.
    Failed,
}

/// Prints the newest alerts.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let state = arguments.state.map(|state| match state {
        State::Waiting => "waiting",
        State::Delivered => "delivered",
        State::Failed => "failed",
    });
    let alerts = session.warehouse.alerts(arguments.limit.max(1), state).await;
    let has_webhook = session.settings.alerts.webhook_url.is_some();
    session.close().await;
    if !has_webhook {
        print::note("no webhook is set: nothing is raised; see alerts.webhook_url in config/quintile.toml");
    }
    let head = ["alert", "run", "kind", "customer", "state", "raised", "message", "tries", "last error"];
    print::rows(global.format, &alerts?, &head, |alert| {
        vec![
            alert.alert_id.to_string(),
            alert.run_id.to_string(),
            alert.kind.clone(),
            alert.customer_id.clone().unwrap_or_default(),
            alert.state.clone(),
            alert.raised_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            alert.batch_id.map(|id| id.to_string()).unwrap_or_default(),
            alert.tries.to_string(),
            alert.last_error.as_deref().unwrap_or_default().chars().take(60).collect(),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
