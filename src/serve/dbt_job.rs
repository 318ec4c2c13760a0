//! A job that runs a dbt project: the project is read anew for every run.

use super::gate::{self, Seen};
use super::jobs::nothing_picked;
use crate::config::{Job, Settings};
use crate::error::{Error, Result};
use crate::pipeline::in_place::{self, DbtLayout, Deferred, Options, Progress, Report, Request, Task, select};
use crate::warehouse::Warehouse;
use crate::warehouse::invocations::SourceState;
use crate::warehouse::slots::Outcome;
use std::path::Path;
use tokio::sync::watch;

/// Commands that a job may name; the first is the one that is meant without a name.
const COMMANDS: [&str; 5] = ["build", "run", "test", "seed", "snapshot"];

/// Checks what a job says about a dbt project.
pub(super) fn check(job: &Job) -> Result<()> {
    if let Some(command) = &job.command
        && !COMMANDS.contains(&command.as_str())
    {
        return Err(Error::config(format!("command \"{command}\" cannot be scheduled"))
            .hint(format!("write one of {}", COMMANDS.join(", "))));
    }
    let needs_project = [
        ("command", job.command.is_some()),
        ("profiles_dir", job.profiles_dir.is_some()),
        ("target", job.target.is_some()),
    ];
    match needs_project.iter().find(|(_, is_given)| *is_given && job.project_dir.is_none()) {
        Some((key, _)) => Err(Error::config(format!("{key} is given without project_dir"))
            .hint("name the folder that holds the dbt_project.yml as project_dir of the job")),
        None => Ok(()),
    }
}

/// Runs the job, or tells that its sources hold nothing new; `None` if the job runs no dbt project.
pub(super) async fn run(
    warehouse: &Warehouse,
    settings: &Settings,
    job: &Job,
    stop: watch::Receiver<bool>,
) -> Option<Result<Outcome>> {
    let folder = job.project_dir.as_ref()?;
    let mut settings = settings.clone();
    settings.project_dir = settings.project_dir.join(folder);
    Some(perform(warehouse, &settings, job, stop).await)
}

async fn perform(
    warehouse: &Warehouse,
    settings: &Settings,
    job: &Job,
    stop: watch::Receiver<bool>,
) -> Result<Outcome> {
    let project = read(warehouse, settings, job).await?;
    let look = ages_of(warehouse, &project, job.fresher_than_last_run.as_deref().unwrap_or_default());
    let work = async {
        let report = run_nodes(warehouse, settings, &project, job, stop).await?;
        Ok(outcome(&project, &report))
    };
    gate::behind(warehouse, job, look, work).await
}

/// Checks that the job's selectors pick something; reads the project's files, but asks no database.
pub(super) fn check_selectors(settings: &Settings, job: &Job) -> Result<()> {
    let mut settings = settings.clone();
    settings.project_dir = settings.project_dir.join(job.project_dir.as_deref().unwrap_or(Path::new(".")));
    let project = in_place::read(&settings, &request(&settings, job))?;
    let selection = selection(job);
    if select::nodes(&project, &project.world.flags.which, &selection)?.ids.is_empty() {
        return Err(nothing_picked());
    }
    Ok(())
}

fn selection(job: &Job) -> select::Selection {
    select::Selection { select: job.select.clone(), exclude: job.exclude.clone(), ..select::Selection::default() }
}

fn request(settings: &Settings, job: &Job) -> Request {
    Request {
        profiles_dir: job.profiles_dir.as_ref().map(|folder| settings.project_dir.join(folder)),
        // One daemon, one database: the profile gives schema and threads, and need not be there.
        database_url: Some(settings.database.url.clone().unwrap_or_default()),
        ..Request::of_command(job.command.as_deref().unwrap_or(COMMANDS[0]), job.target.as_deref())
    }
}

async fn read(warehouse: &Warehouse, settings: &Settings, job: &Job) -> Result<DbtLayout> {
    let request = request(settings, job);
    let settings = settings.clone();
    let read = tokio::task::spawn_blocking(move || in_place::read(&settings, &request)).await;
    let mut project = read.map_err(|e| Error::failed("project could not be read").source(e))??;
    project.take_target(warehouse).await?;
    Ok(project)
}

/// How new the sources of the selector are; one that cannot be asked is an error, not news.
async fn ages_of(warehouse: &Warehouse, project: &DbtLayout, selector: &str) -> Result<Seen> {
    let selection = select::Selection { select: vec![selector.to_owned()], ..select::Selection::default() };
    let picked = select::nodes(project, "freshness", &selection)?;
    let ages = in_place::newest_rows(warehouse, project, &picked.ids).await?;
    if ages.is_empty() {
        return Err(Error::config(format!("selector \"{selector}\" picks no source that can tell how new it is"))
            .hint("give the sources a loaded_at_field or a loaded_at_query"));
    }
    let state = |at| SourceState { max_loaded_at: Some(at), version: None };
    Ok(ages.into_iter().map(|(id, at)| (id, state(at))).collect())
}

async fn run_nodes(
    warehouse: &Warehouse,
    settings: &Settings,
    project: &DbtLayout,
    job: &Job,
    stop: watch::Receiver<bool>,
) -> Result<Report> {
    let which = &project.world.flags.which;
    let selection = selection(job);
    let options = Options {
        // The pool is the daemon's: its pages and its lease need connections too.
        threads: project.threads.min(settings.database.max_connections.saturating_sub(3)).max(1),
        tests_before_children: which == "build",
        runs_project_hooks: true,
        ..Options::default()
    };
    let task = Task {
        selected: select::nodes(project, which, &selection)?.ids,
        options,
        deferred: Deferred::default(),
        arguments: serde_json::json!({"job": job.name}),
        process: format!("{}:{}", settings.host_name(), std::process::id()),
    };
    let report = in_place::recorded(warehouse, project, task, &Progress::default(), stop).await?;
    in_place::write_artifacts(project, &report, std::slice::from_ref(which))?;
    Ok(report)
}

/// What the slot's row says about the run.
fn outcome(project: &DbtLayout, report: &Report) -> Outcome {
    if report.is_good() {
        return Outcome { state: "published", reason: None, run_id: None };
    }
    let bad = report.results.iter().filter(|result| !in_place::is_good(result.status));
    let failed: Vec<String> = bad
        .filter(|result| result.status != in_place::Status::Skipped)
        .map(|result| {
            let first = result.message.lines().next().unwrap_or_default();
            format!("{}: {}", project.manifest.label(&result.id), first.strip_prefix("error: ").unwrap_or(first))
        })
        .collect();
    Outcome { state: "failed", reason: Some(failed.join("; ")), run_id: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_dbt_project_need_its_folder() {
        let job = |extra: &str| -> Job {
            serde_json::from_str(&format!(r#"{{"name": "n", "schedule": "@daily"{extra}}}"#)).expect("a job")
        };
        assert!(check(&job("")).is_ok());
        assert!(check(&job(r#", "project_dir": "shop", "command": "build""#)).is_ok());
        let told = |extra: &str| check(&job(extra)).expect_err("a problem").message;
        assert_eq!(told(r#", "command": "build""#), "command is given without project_dir");
        assert_eq!(told(r#", "project_dir": "shop", "command": "drop""#), "command \"drop\" cannot be scheduled");
    }
}
