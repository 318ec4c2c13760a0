//! `quintile retry`: what failed, was skipped or was not reached in the last run, with the options of that run.

use super::engine::{self, Engine, RunOptions};
use super::selection::vars;
use super::session::Session;
use super::{Global, build, messages, print, stop};
use crate::error::{Error, Result};
use crate::pipeline::{self, BuildRequest, in_place};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `retry`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Nodes built at the same time
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Stop at the first failure
    #[arg(long, short = 'x')]
    fail_fast: bool,
    /// Make incremental models and seeds anew, whether or not the last run did
    #[arg(long, short)]
    full_refresh: bool,
}

/// The options of a run, as far as a retry needs them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    vars: Map<String, Json>,
    state: Option<PathBuf>,
    #[serde(flatten)]
    run: RunOptions,
}

impl Given {
    /// What the command line says.
    pub fn new(global: &Global, run: &RunOptions, state: Option<&Path>) -> Result<Given> {
        let vars = vars(global.project.vars.as_deref())?.into_iter().collect();
        // A relative folder means another one from elsewhere.
        let state = state.map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf()));
        Ok(Given { vars, state, run: run.clone() })
    }

    /// For the ledger.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Runs the rest of the last run.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    if !engine::is_dbt_project(global) {
        return native(global, &arguments).await;
    }
    let engine = Engine::open(global, "retry", &RunOptions::default()).await?;
    let rest = in_place::rest(&engine.session.warehouse, &engine.project).await;
    engine.session.close().await;
    let rest = rest?;
    if rest.ids.is_empty() {
        messages::info(global, "retry", &format!("nothing to retry: every node of {} ended well", rest.of));
        return Ok(ExitCode::SUCCESS);
    }
    let mut global = global.clone();
    if global.project.vars.is_none() {
        global.project.vars = Some(Json::Object(rest.vars()?).to_string());
    }
    let mut given: Given = serde_json::from_value(rest.arguments).map_err(|e| {
        Error::failed("options of the last run cannot be read").source(e).hint("run its command again instead")
    })?;
    given.run.threads = arguments.threads.or(given.run.threads);
    given.run.fail_fast |= arguments.fail_fast;
    given.run.full_refresh |= arguments.full_refresh;
    let told = format!("retrying {} of {}", print::count(rest.ids.len(), "node"), rest.of);
    messages::info(&global, "retry", &told);
    // Its options decide how files are read: the project is read again with them.
    let engine = Engine::open(&global, &rest.command, &given.run).await?;
    engine.run(&global, rest.ids, &given.run, given.state.as_deref()).await
}

/// Takes up the newest run of a project that publishes by pointer, under its number and instant.
async fn native(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    if arguments.full_refresh || arguments.fail_fast {
        return Err(Error::usage("--full-refresh and --fail-fast are for dbt projects")
            .hint("to build every model anew, run quintile build --rebuild"));
    }
    let mut session = Session::open(global).await?;
    session.settings.run.threads = arguments.threads.map_or(session.settings.run.threads, |threads| threads.max(1));
    let report = match pipeline::rest(&session.warehouse).await {
        Ok(Some(request)) => {
            let (progress, printer) = build::printer();
            let request = BuildRequest { trigger: "retry".into(), progress, ..request };
            let report = pipeline::build(&session.warehouse, &session.settings, &request, stop::on_signals()).await;
            drop(request);
            let _ = printer.await;
            report.map(Some)
        }
        Ok(None) => Ok(None),
        Err(e) => Err(e),
    };
    session.close().await;
    match report? {
        Some(report) => build::finish(&report, global.format),
        None => {
            print::note("nothing to retry: the last run came to a good end");
            Ok(ExitCode::SUCCESS)
        }
    }
}
