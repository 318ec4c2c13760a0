//! A job that runs a dbt project: the project is read anew for every run, and a gate may find that there is no news.

use super::jobs::nothing_picked;
use crate::config::{Job, Settings};
use crate::error::{Error, Result};
use crate::pipeline::in_place::{self, DbtLayout, Deferred, Options, Progress, Report, Request, Task, select};
use crate::warehouse::Warehouse;
use crate::warehouse::slots::Outcome;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::watch;

/// Commands that a job may name; the first is the one that is meant without a name.
const COMMANDS: [&str; 5] = ["build", "run", "test", "seed", "snapshot"];

/// How new sources are, by id.
type Ages = BTreeMap<String, DateTime<Utc>>;

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
        ("fresher_than_last_run", job.fresher_than_last_run.is_some()),
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
    let workspace = &warehouse.schemas.workspace;
    let mut ages = None;
    if let Some(selector) = &job.fresher_than_last_run {
        let found = ages_of(warehouse, &project, selector).await?;
        let known = warehouse.job_sources(workspace, &job.name).await?;
        if !has_news(&found, &known) {
            return Ok(Outcome { state: "skipped", reason: Some(no_news(selector, &found)), run_id: None });
        }
        ages = Some(found);
    }
    let report = run_nodes(warehouse, settings, &project, job, stop).await?;
    if let (true, Some(ages)) = (report.is_good(), ages) {
        // Those seen before the run: what came in meanwhile is news for the next one.
        warehouse.record_job_sources(workspace, &job.name, &ages).await?;
    }
    Ok(outcome(&project, &report))
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
async fn ages_of(warehouse: &Warehouse, project: &DbtLayout, selector: &str) -> Result<Ages> {
    let selection = select::Selection { select: vec![selector.to_owned()], ..select::Selection::default() };
    let picked = select::nodes(project, "freshness", &selection)?;
    let ages = in_place::newest_rows(warehouse, project, &picked.ids).await?;
    if ages.is_empty() {
        return Err(Error::config(format!("selector \"{selector}\" picks no source that can tell how new it is"))
            .hint("give the sources a loaded_at_field or a loaded_at_query"));
    }
    Ok(ages)
}

/// Whether a source is newer than it was, or was never seen.
fn has_news(found: &Ages, known: &Ages) -> bool {
    found.iter().any(|(id, at)| known.get(id).is_none_or(|before| at > before))
}

fn no_news(selector: &str, found: &Ages) -> String {
    let newest = found.values().max().map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    format!("no source of \"{selector}\" is newer than at the last successful run; the newest row is of {newest}")
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

    fn ages(pairs: &[(&str, i64)]) -> Ages {
        pairs.iter().filter_map(|(id, at)| Some(((*id).to_owned(), DateTime::from_timestamp(*at, 0)?))).collect()
    }

    #[test]
    fn one_newer_source_is_news_and_so_is_a_new_one() {
        let known = ages(&[("a", 10), ("b", 20)]);
        assert!(!has_news(&known, &known));
        assert!(!has_news(&ages(&[("a", 9)]), &known), "deleted rows are no news");
        assert!(has_news(&ages(&[("a", 10), ("b", 21)]), &known));
        assert!(has_news(&ages(&[("c", 1)]), &known));
        assert!(!has_news(&Ages::new(), &known));
    }

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
