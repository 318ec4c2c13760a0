//! `quintile rollback`: readers see an earlier run again, at once.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `rollback`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Run to go back to; default: the published run before the live one
    #[arg(long, value_name = "RUN")]
    to: Option<i64>,
}

/// Moves the pointers back and tells which.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let done = pipeline::rollback(&session.warehouse, &session.settings, arguments.to).await;
    session.close().await;
    let done = done?;
    match global.format {
        Format::Json => print::json(&done),
        Format::Text => {
            print::data(&format!("readers see run {} again: {} relations moved", done.run_id, done.moved.len()));
            if !done.kept.is_empty() {
                print::note(&format!("no earlier rows, left as they are: {}", done.kept.join(", ")));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
