//! A dbt project opened for a command: read, connected, ready to run nodes.

use super::selection::{ProjectOptions, Selection, vars};
use super::session::Session;
use super::{Global, lines, print, session, stop};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::pipeline::in_place::{self, DbtLayout, Options, Report, Request, Status, select};
use crate::project::context::Flags;
use crate::project::files::DbtProject;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// Flags of a run that templates and nodes see.
#[derive(clap::Args, Clone, Debug, Default)]
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
            introspect: true,
            log_format: "text".into(),
            ..Flags::default()
        },
        vars,
        database_url: global.database_url.clone(),
    })
}

/// Reads the project and tells what is odd about it.
pub fn read(global: &Global, which: &str, run: &RunOptions) -> Result<(Settings, DbtLayout)> {
    let settings = settings(global)?;
    let project = in_place::read(&settings, &request(global, which, run)?)?;
    if !global.project.quiet {
        for warning in &project.warnings {
            print::note(&warning.report().replacen("error:", "warning:", 1));
        }
    }
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
