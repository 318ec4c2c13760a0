//! `quintile runs`: what ran, how it ended, and which run readers see.

use super::engine::{self, Engine, RunOptions};
use super::session::Session;
use super::{Global, print, run_detail};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `runs`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Number of a run to show with its models, tests and publish
    #[arg(value_name = "RUN")]
    run: Option<i64>,
    /// How many of the newest runs
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: i64,
}

/// Prints the newest runs.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    if engine::is_dbt_project(global) {
        return invocations(global, &arguments).await;
    }
    if let Some(run_id) = arguments.run {
        return run_detail::run(global, run_id).await;
    }
    let session = Session::open(global).await?;
    let runs = session.warehouse.runs(arguments.limit.max(1)).await;
    session.close().await;
    print::rows(
        global.format,
        &runs?,
        &["run", "state", "shown", "as of", "started", "took", "models", "trigger", "error"],
        |run| {
            let took = run.finished_at.and_then(|end| (end - run.started_at).to_std().ok()).map(print::duration);
            vec![
                run.run_id.to_string(),
                run.state.clone(),
                match (run.is_live, run.is_rollback_target) {
                    (true, true) => "partly, kept",
                    (true, false) => "live",
                    (false, true) => "kept",
                    (false, false) => "",
                }
                .into(),
                run.as_of.format("%Y-%m-%d").to_string(),
                run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                took.unwrap_or_default(),
                run.models_built.to_string(),
                run.trigger.clone(),
                run.error.as_deref().and_then(|e| e.lines().next()).unwrap_or_default().chars().take(60).collect(),
            ]
        },
    );
    Ok(ExitCode::SUCCESS)
}

/// Prints what ran of a dbt project.
async fn invocations(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let engine = Engine::open(global, "runs", &RunOptions::default()).await?;
    let listed = engine.session.warehouse.invocations(&engine.project.project.name, arguments.limit.max(1)).await;
    engine.session.close().await;
    let head = ["started", "command", "schema", "state", "took", "nodes", "ok", "failed", "skipped", "error"];
    print::rows(global.format, &listed?, &head, |run| {
        let took = run.finished_at.and_then(|end| (end - run.started_at).to_std().ok()).map(print::duration);
        vec![
            run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            run.command.clone(),
            run.target_schema.clone(),
            run.state.clone(),
            took.unwrap_or_default(),
            run.selected.to_string(),
            run.good.to_string(),
            run.failed.to_string(),
            run.skipped.to_string(),
            run.error.as_deref().and_then(|e| e.lines().next()).unwrap_or_default().chars().take(40).collect(),
        ]
    });
    Ok(ExitCode::SUCCESS)
}
