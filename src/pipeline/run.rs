//! A run from plan to publish: nothing is visible before every model and test is done, then everything is at once.

use super::execute;
use super::lease::RunLease;
use super::plan::{Plan, StepKind, published_context};
use super::read_project::read_project;
use super::step::RunContext;
use super::{BuildRequest, Event, Progress, RunReport};
use super::{row_guard, withdrawal};
use crate::config::Settings;
use crate::error::{Error, Kind, Result};
use crate::project::Project;
use crate::warehouse::Warehouse;
use crate::warehouse::publish::{Publication, ViewBody};
use crate::warehouse::runs::{NewRun, TestOutcome};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Why a run halts when its caller wants it to.
const STOP_ASKED: &str = "a stop was asked for";

/// Builds, tests and publishes; `stop` turning true asks for an early, clean end.
///
/// A run whose models or tests failed is reported, not an error: its state is `failed` and nothing was published.
pub async fn build(
    warehouse: &Warehouse,
    settings: &Settings,
    request: &BuildRequest,
    stop: watch::Receiver<bool>,
) -> Result<RunReport> {
    let began = Instant::now();
    let project = read_project(settings)?;
    let title = settings.workspaces.get(&settings.workspace).and_then(|w| w.title.as_deref());
    warehouse.prepare_workspace(title).await?;
    let plan = Plan::new(&project, &request.select, &request.exclude, &warehouse.live().await?)?;
    let as_of = match request.as_of {
        Some(instant) => instant,
        None => as_of_data(&project, warehouse).await?,
    };
    if request.select.is_empty() {
        withdrawal::warn_of_orphans(&project, warehouse).await?;
    }
    let (halt_sender, halt) = watch::channel(None);
    let process = format!("process {} on {}", std::process::id(), settings.host_name());
    let ttl = Duration::from_secs(settings.run.lease_seconds.max(1));
    let lease = RunLease::take(warehouse, &process, ttl, ttl + Duration::from_secs(5), halt_sender.clone()).await?;
    let listener = tokio::spawn(forward_stop(stop, halt_sender));
    let outcome = locked(warehouse, settings, request, project, plan, as_of, &lease, &process, &halt).await;
    listener.abort();
    lease.release().await;
    let mut report = outcome?;
    report.elapsed_seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

/// The part of a run that happens under the workspace's lease.
#[allow(clippy::too_many_arguments)] // One call, from one place; a struct would only rename it.
async fn locked(
    warehouse: &Warehouse,
    settings: &Settings,
    request: &BuildRequest,
    project: Project,
    plan: Plan,
    as_of: DateTime<Utc>,
    lease: &RunLease,
    process: &str,
    halt: &watch::Receiver<Option<String>>,
) -> Result<RunReport> {
    let new_run = NewRun {
        trigger: request.trigger.clone(),
        as_of,
        lease: lease.fence.lease.clone(),
        fence: lease.fence.token,
        process: process.to_owned(),
    };
    let run_id = warehouse.start_run(&new_run).await?;
    request.progress.tell(Event::Planned { run_id, as_of, steps: plan.steps.len() });
    let context = plan.build_context(&project, warehouse, run_id, as_of);
    let run = Arc::new(RunContext { warehouse: warehouse.clone(), project, context, run_id, as_of });
    let mut report = RunReport { run_id, as_of: Some(as_of), ..RunReport::default() };
    let outcome = build_and_publish(&run, &plan, settings, request, lease, halt, &mut report).await;
    let (state, reason) = match &outcome {
        Ok(()) if report.state == "published" => return Ok(report),
        Ok(()) => (report.state.clone(), None),
        Err(e) if e.kind == Kind::Interrupted => ("interrupted".to_owned(), Some(e.report())),
        Err(e) => ("failed".to_owned(), Some(e.report())),
    };
    let told = reason.or_else(|| summary(&report));
    let noted = warehouse.finish_run(run_id, &state, told.as_deref()).await;
    outcome?;
    noted?;
    Ok(report)
}

async fn build_and_publish(
    run: &Arc<RunContext>,
    plan: &Plan,
    settings: &Settings,
    request: &BuildRequest,
    lease: &RunLease,
    halt: &watch::Receiver<Option<String>>,
    report: &mut RunReport,
) -> Result<()> {
    let threads = settings.run.threads;
    let outcome = execute::steps(run, plan, threads, halt, &request.progress).await?;
    report.built = outcome.built.iter().map(|(name, _)| name.clone()).collect();
    report.skipped = outcome.skipped;
    if let Some(reason) = halt.borrow().as_ref() {
        // Asked for, it is an interruption; a lease lost to somebody else is a failure.
        let kind = if reason == STOP_ASKED { Kind::Interrupted } else { Kind::Failed };
        return Err(Error::new(kind, format!("run {} was stopped: {reason}", run.run_id))
            .detail("Nothing was published; readers see the run before."));
    }
    if let Some((_, lost)) = outcome.failed.iter().find(|(_, e)| e.kind == Kind::Unreachable) {
        return Err(Error::unreachable(lost.message.clone()).detail("The run failed; readers see the run before."));
    }
    report.failed = outcome.failed.iter().map(|(name, e)| (name.clone(), e.report())).collect();
    report.state = "failed".into();
    if !report.failed.is_empty() {
        return Ok(());
    }
    if !request.skip_tests {
        let bad = execute::tests(run, plan, threads, halt, &request.progress).await?;
        report.failed = bad.iter().map(|t| (t.test.clone(), verdict(t))).collect();
        if !report.failed.is_empty() {
            return Ok(());
        }
    }
    if !request.accept_row_loss {
        report.failed = row_guard::refuse_row_loss(run, plan, settings, &outcome.built).await?;
    }
    if !report.failed.is_empty() {
        return Ok(());
    }
    if request.skip_publish {
        report.state = "built".into();
        return Ok(());
    }
    let publications = publications(run, plan, &outcome.built)?;
    let client = run.warehouse.client().await?;
    for (name, table) in &outcome.built {
        if let Some(table) = table {
            run.warehouse.attach(&client, name, run.run_id, &table.parent).await?;
        }
    }
    drop(client);
    let mut fences = vec![lease.fence.clone()];
    fences.extend(request.fence.clone());
    let began = Instant::now();
    let patience = Duration::from_secs(settings.run.publish_patience_seconds);
    run.warehouse.publish(run.run_id, &publications, &fences, patience).await?;
    request.progress.tell(Event::Published { relations: publications.len(), elapsed: began.elapsed() });
    report.published = publications.into_iter().map(|p| p.relation).collect();
    report.state = "published".into();
    Ok(())
}

fn publications(
    run: &RunContext,
    plan: &Plan,
    built: &[(String, Option<crate::warehouse::materialize::StoredTable>)],
) -> Result<Vec<Publication>> {
    let tables: BTreeMap<&str, &Option<_>> = built.iter().map(|(name, table)| (name.as_str(), table)).collect();
    let context = published_context(&run.project, &run.warehouse, run.run_id, run.as_of);
    plan.steps
        .iter()
        .filter(|step| step.is_published)
        .map(|step| {
            let body = match (&step.kind, tables.get(step.name.as_str()).copied().and_then(Option::as_ref)) {
                (StepKind::View, _) => ViewBody::Select { sql: run.project.compile(&step.name, &context)? },
                (_, Some(table)) => ViewBody::Pointer { parent: table.parent.clone() },
                (_, None) => return Err(Error::failed(format!("model \"{}\" was not built", step.name))),
            };
            let (description, columns) = match (run.project.models.get(&step.name), run.project.seeds.get(&step.name)) {
                (Some(model), _) => (model.description.clone(), &model.columns[..]),
                (None, Some(seed)) => (seed.description.clone(), &seed.documented[..]),
                (None, None) => (String::new(), &[][..]),
            };
            Ok(Publication {
                relation: run.project.published_name(&step.name),
                model: step.name.clone(),
                materialization: step.kind.name().into(),
                access: step.access,
                body,
                description,
                column_descriptions: columns.iter().map(|c| (c.name.clone(), c.description.clone())).collect(),
            })
        })
        .collect()
}

/// Runs the data tests of the selected names against what is published.
pub async fn test_published(
    warehouse: &Warehouse,
    settings: &Settings,
    select: &[String],
    exclude: &[String],
    progress: &Progress,
) -> Result<Vec<TestOutcome>> {
    let project = read_project(settings)?;
    let live = warehouse.live().await?;
    let selected = project.select(select, exclude)?;
    let run_id = live.iter().map(|l| l.run_id).max().unwrap_or_default();
    let as_of = as_of_data(&project, warehouse).await?;
    let context = published_context(&project, warehouse, run_id, as_of);
    let published = |name: &str| live.iter().any(|l| l.relation == project.published_name(name));
    let mut outcomes = Vec::new();
    for test in project.tests.values().filter(|t| selected.contains(&t.model)) {
        if !published(&test.model) || test.refs.iter().any(|name| !published(name)) {
            continue;
        }
        let outcome = execute::one_test(warehouse, &project, &context, &test.name).await?;
        progress.tell(Event::TestFinished(outcome.clone()));
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// The end of the data's last complete day; a project that reads no ingested orders takes the last midnight.
async fn as_of_data(project: &Project, warehouse: &Warehouse) -> Result<DateTime<Utc>> {
    let reads_orders = project.models.values().any(|m| m.sources.iter().any(|(s, t)| s == "raw" && t == "orders"));
    if reads_orders { warehouse.last_complete_day().await } else { warehouse.last_midnight().await }
}

async fn forward_stop(mut stop: watch::Receiver<bool>, halt: watch::Sender<Option<String>>) {
    if stop.wait_for(|stopped| *stopped).await.is_ok() {
        halt.send_replace(Some(STOP_ASKED.into()));
    } else {
        // The sender went away without asking for a stop: there is nobody left who could.
        std::future::pending::<()>().await;
    }
}

fn verdict(test: &TestOutcome) -> String {
    match (&test.error, test.failure_count) {
        (Some(error), _) => error.clone(),
        (None, count) => {
            format!(
                "error: data test \"{}\" failed: {} rows of \"{}\" break it",
                test.test,
                count.unwrap_or_default(),
                test.model
            )
        }
    }
}

fn summary(report: &RunReport) -> Option<String> {
    (!report.failed.is_empty())
        .then(|| report.failed.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("\n"))
}
