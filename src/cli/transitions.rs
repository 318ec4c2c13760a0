//! `quintile transitions`: how many customers went from which segment to which between two runs.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `transitions`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Scheme of segments, as segment_history names it
    #[arg(long, value_name = "SCHEME", default_value = "classic11")]
    scheme: String,
    /// Run at the beginning; the published run before the end if absent
    #[arg(long, value_name = "RUN")]
    from: Option<i64>,
    /// Run at the end; the newest published run if absent
    #[arg(long, value_name = "RUN")]
    to: Option<i64>,
}

/// Prints the transitions.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let found = session.warehouse.transitions(&arguments.scheme, arguments.from, arguments.to).await;
    session.close().await;
    let found = found?;
    if global.format == Format::Json {
        print::json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    print::note(&format!("scheme {}, from run {} to run {}", found.scheme, found.from_run, found.to_run));
    print::rows(global.format, &found.transitions, &["from", "to", "customers", "revenue"], |one| {
        let segment = |name: &Option<String>| name.clone().unwrap_or_else(|| "(none)".into());
        vec![
            segment(&one.from_segment),
            segment(&one.to_segment),
            print::grouped(one.customer_count),
            one.revenue.clone().unwrap_or_default(),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
