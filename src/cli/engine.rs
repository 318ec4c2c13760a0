//! A dbt project opened for a command: read, connected, ready to run nodes.

use super::retry::Given;
use super::selection::LogFormat;
use super::selection::{Selection, vars};
use super::session::Session;
use super::{Global, lines, messages, print, sample, session, stop, summary};
use crate::config::Settings;
use crate::error::{Error, Kind, Result};
use crate::pipeline::in_place::{self, DbtLayout, Options, Report, Request, Task, select};
use crate::project::context::Flags;
use crate::project::files::dbt_project::DbtProject;
use crate::project::manifest::Clock;
use chrono::Utc;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Flags of a run that templates and nodes see.
#[derive(clap::Args, Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[command(next_help_heading = "How nodes are run")]
pub struct RunOptions {
    /// Nodes built at the same time
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Make incremental models and seeds anew
    #[arg(long, short)]
    pub full_refresh: bool,
    /// Stop at the first failure
    #[arg(long, short = 'x')]
    pub fail_fast: bool,
    /// Keep the rows that break data tests as tables
    #[arg(long)]
    pub store_failures: bool,
    /// Build the relations without rows
    #[arg(long)]
    pub empty: bool,
    /// Take relations that are not selected from the manifest in --state
    #[arg(long)]
    pub defer: bool,
    /// With --defer, take them from there even where they exist here
    #[arg(long)]
    pub favor_state: bool,
    /// First instant of the batches to build
    #[arg(long, value_name = "INSTANT", requires = "event_time_end")]
    pub event_time_start: Option<String>,
    /// End of the batches to build
    #[arg(long, value_name = "INSTANT", requires = "event_time_start")]
    pub event_time_end: Option<String>,
    /// Only rows of this last stretch of time: '3 days', '6 hours', '1 month'
    #[arg(long, value_name = "SPAN")]
    pub sample: Option<String>,
}

/// Whether the project folder holds a dbt project.
pub fn is_dbt_project(global: &Global) -> bool {
    in_place::is_dbt_project(&global.project_dir)
}

/// Settings, for a folder that need not be a project of ours.
fn settings(global: &Global) -> Result<Settings> {
    session::settings(global)
}

/// What the project is read with.
fn request(global: &Global, which: &str, run: &RunOptions) -> Result<Request> {
    let options = &global.project;
    let vars = vars(options.vars.as_deref())?;
    Ok(Request {
        profiles_dir: options.profiles_dir.clone(),
        profile: options.profile.clone(),
        target: options.target.clone(),
        target_path: options.target_path.clone(),
        is_strict: options.strict,
        flags: Flags {
            which: which.to_owned(),
            full_refresh: run.full_refresh,
            empty: run.empty,
            store_failures: run.store_failures,
            fail_fast: run.fail_fast,
            quiet: options.quiet,
            target: options.target.clone(),
            threads: run.threads,
            defer: run.defer,
            log_format: format!("{:?}", options.log_format).to_lowercase(),
            ..Flags::default()
        },
        vars,
        database_url: global.database_url.clone(),
        clock: Clock::new(Utc::now),
    })
}

/// Reads the project and tells what is odd about it.
pub fn read(global: &Global, which: &str, run: &RunOptions) -> Result<(Settings, DbtLayout)> {
    let settings = settings(global)?;
    let project = in_place::read(&settings, &request(global, which, run)?)?;
    messages::warnings(global, &project.warnings);
    Ok((settings, project))
}

/// Reads `dbt_project.yml` alone.
pub fn project_file(global: &Global) -> Result<DbtProject> {
    let settings = settings(global)?;
    let vars = vars(global.project.vars.as_deref())?;
    in_place::project_file(&settings, &vars).map(|(project, _)| project)
}

/// The packages of the project with their folders.
pub fn packages(global: &Global) -> Result<Vec<(DbtProject, PathBuf)>> {
    let settings = settings(global)?;
    let vars = vars(global.project.vars.as_deref())?;
    in_place::packages(&settings, &vars)
}

/// A project with a database.
pub struct Engine {
    /// The project.
    pub project: DbtLayout,
    /// The open database.
    pub session: Session,
}

impl Engine {
    /// Reads the project and opens its database.
    pub async fn open(global: &Global, which: &str, run: &RunOptions) -> Result<Engine> {
        let (mut settings, mut project) = read(global, which, run)?;
        if let Some(threads) = run.threads {
            project.threads = threads.max(1);
        }
        if let Some(connection) = &project.connection {
            settings.database.url = Some(connection.clone());
        }
        // One connection a node at work, one for the ledger.
        settings.database.max_connections = settings.database.max_connections.max(project.threads + 1);
        let session = Session::open_with(settings).await.map_err(|e| of_profile(e, global, &project))?;
        project.take_target(&session.warehouse).await?;
        Ok(Engine { project, session })
    }

    /// Runs the selected nodes with their lines on the terminal, and writes the artifacts.
    pub async fn run(
        self,
        global: &Global,
        selected: BTreeSet<String>,
        run: &RunOptions,
        state: Option<&Path>,
    ) -> Result<ExitCode> {
        let task = Task {
            selected,
            options: options(&self.project, run)?,
            deferred: in_place::Deferred::read(run.defer, run.favor_state, state)?,
            arguments: Given::new(global, run, state)?.json(),
            process: format!("{}:{}", self.session.settings.host_name(), std::process::id()),
        };
        let style = lines::Style { format: global.project.log_format, is_quiet: global.project.quiet };
        let (progress, printer) = lines::printer(&self.project.manifest, style);
        let warehouse = self.session.warehouse.clone();
        let stop = stop::on_signals();
        let report = in_place::recorded(&warehouse, &self.project, task, &progress, stop).await;
        drop(progress);
        let _ = printer.await;
        self.session.close().await;
        let report = report?;
        in_place::write_artifacts(&self.project, &report, &crate::config::command_line())?;
        finish(global, &self.project, &report)
    }
}

/// A database that does not answer, told by the name of the target that led there.
fn of_profile(mut error: Error, global: &Global, project: &DbtLayout) -> Error {
    let target = &project.world.target;
    if error.kind == Kind::Unreachable && global.database_url.is_none() && !target.profile_name.is_empty() {
        let (name, profile) = (&target.name, &target.profile_name);
        error.hint = Some(format!("check target \"{name}\" of profile \"{profile}\" in profiles.yml, and the server"));
    }
    error
}

/// The summary and the exit code.
fn finish(global: &Global, project: &DbtLayout, report: &Report) -> Result<ExitCode> {
    if global.format == super::Format::Json {
        print::json(&report.json());
    }
    match (global.project.log_format, global.format) {
        (LogFormat::Json, _) => {
            let facts = serde_json::json!({
                "success": report.is_good(), "elapsed": report.elapsed.as_secs_f64(),
                "counts": in_place::counts(&report.results),
            });
            messages::json(messages::Level::Info, "run_finished", "run finished", &facts);
        }
        (LogFormat::Text, super::Format::Json) => {}
        (LogFormat::Text, super::Format::Text) if global.project.quiet && report.is_good() => {}
        (LogFormat::Text, super::Format::Text) => {
            print::note(&summary::summary(project, report, print::is_coloured(&std::io::stderr())));
        }
    }
    let was_stopped = report.was_stopped;
    let code = if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(if was_stopped { 130 } else { 1 }) };
    Ok(code)
}

/// The nodes of a command: what was selected, of the kinds that the command works on.
pub fn chosen(global: &Global, project: &DbtLayout, which: &str, selection: &Selection) -> Result<BTreeSet<String>> {
    let picked = select::nodes(project, which, &selection.picked())?;
    messages::warnings(global, &picked.warnings);
    if picked.ids.is_empty() {
        let nothing = Error::usage("the selection picks nothing; quintile ls lists the names");
        messages::warnings(global, &[nothing]);
    }
    Ok(picked.ids)
}

/// What of the options a run needs.
pub fn options(project: &DbtLayout, run: &RunOptions) -> Result<Options> {
    let sample = run.sample.as_deref().map(|text| sample::window(text, project.world.started_at)).transpose()?;
    let instant = |text: &Option<String>| -> Result<Option<chrono::NaiveDateTime>> {
        text.as_deref()
            .map(|text| {
                in_place::instant(text).map(|at| at.naive_utc()).ok_or_else(|| {
                    Error::usage(format!("\"{text}\" is no instant")).hint("write 2024-01-31 or 2024-01-31T10:00:00Z")
                })
            })
            .transpose()
    };
    Ok(Options {
        threads: project.threads,
        fail_fast: run.fail_fast,
        full_refresh: run.full_refresh,
        store_failures: run.store_failures,
        tests_before_children: project.world.flags.which == "build",
        runs_project_hooks: true,
        // Batches outside of the sample are not built at all.
        event_time_start: sample.and_then(|w| w.start).map(|at| at.naive_utc()).or(instant(&run.event_time_start)?),
        event_time_end: sample.and_then(|w| w.end).map(|at| at.naive_utc()).or(instant(&run.event_time_end)?),
        sample,
        ..Options::default()
    })
}

/// Runs the nodes of a command: `run`, `build`, `test`, `seed`, `snapshot`.
pub async fn command(global: &Global, which: &str, selection: &Selection, run: &RunOptions) -> Result<ExitCode> {
    let engine = Engine::open(global, which, run).await?;
    let selected = chosen(global, &engine.project, which, selection)?;
    engine.run(global, selected, run, selection.state.as_deref()).await
}

/// The error for a command that only dbt projects have.
pub fn only_dbt(global: &Global, command: &str) -> Result<()> {
    if is_dbt_project(global) {
        return Ok(());
    }
    Err(Error::usage(format!("quintile {command} works on a project with a dbt_project.yml"))
        .hint("name its folder with --project-dir; quintile build runs Quintile's own project"))
}
