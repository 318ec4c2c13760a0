//! `quintile test`: the data tests against what readers see now.

use super::engine::{self, RunOptions};
use super::selection::Selection;
use super::session::Session;
use super::{Format, Global, print};
use crate::error::{Error, Result};
use crate::pipeline;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `test`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    run: RunOptions,
}

/// Runs the tests and prints how each ended.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    if engine::is_dbt_project(global) {
        return engine::command(global, "test", &arguments.selection, &arguments.run).await;
    }
    let session = Session::open(global).await?;
    let (progress, printer) = super::build::printer();
    let outcomes = pipeline::test_published(
        &session.warehouse,
        &session.settings,
        &arguments.selection.select,
        &arguments.selection.exclude,
        &progress,
    )
    .await;
    drop(progress);
    let _ = printer.await;
    session.close().await;
    let outcomes = outcomes?;
    if global.format == Format::Json {
        print::json(&outcomes);
    }
    if outcomes.is_empty() {
        return Err(Error::usage("no data test is about a published relation of the selection")
            .hint("publish something first: quintile build"));
    }
    let bad: Vec<&str> =
        outcomes.iter().filter(|t| t.state == "failed" || t.state == "errored").map(|t| t.test.as_str()).collect();
    if bad.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::failed(format!("{} of {} data tests failed: {}", bad.len(), outcomes.len(), bad.join(", "))))
}
