//! A run from plan to publish: nothing is visible before every model and test is done, then everything is at once.

use super::carry::Decision;
use super::data_tests;
use super::execute;
use super::halt::{self, STOP_ASKED};
use super::inline::inlined;
use super::lease::{self, RunLease};
use super::plan::{Plan, StepKind, published_context};
use super::prepare::{Making, OpenRun, Prepared};
use super::publications::Publisher;
use super::read_project::read_project;
use super::test_answers::Asker;
use super::{BuildRequest, Event, Progress, RunReport};
use super::{relations, row_guard, withdrawal};
use crate::config::Settings;
use crate::crash_point::reach;
use crate::error::{Error, Kind, Result};
use crate::project::Project;
use crate::warehouse::Warehouse;
use crate::warehouse::materialize::StoredTable;
use crate::warehouse::run_models::TestOutcome;
use crate::warehouse::runs::NewRun;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

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
    let project = Arc::new(read_project(settings)?);
    let title = settings.workspaces.get(&settings.workspace).and_then(|w| w.title.as_deref());
    warehouse.prepare_workspace(title).await?;
    let plan = Plan::new(&project, warehouse, &request.select, &request.exclude, &warehouse.live().await?)?;
    relations::check(warehouse, settings, &plan).await?;
    let as_of = match request.as_of {
        Some(instant) => instant,
        None => as_of_data(&project, warehouse).await?,
    };
    if request.select.is_empty() {
        withdrawal::warn_of_orphans(&project, warehouse).await?;
    }
    let (brake, halt) = halt::channel();
    let lease = RunLease::take(warehouse, settings, brake.clone()).await?;
    let listener = tokio::spawn(brake.follow(stop, request.grace));
    let making = Making { warehouse, settings, request, project, plan, halt };
    // Boxed: a run is the deepest that any task goes, and the futures of all it awaits would lie on one stack.
    let outcome = Box::pin(making.run(as_of, &lease)).await;
    listener.abort();
    lease.release().await;
    let mut report = outcome?;
    report.elapsed_seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

impl Making<'_> {
    /// The part of a run that happens under the workspace's lease.
    async fn run(&self, as_of: DateTime<Utc>, lease: &RunLease) -> Result<RunReport> {
        let new_run = NewRun {
            trigger: self.request.trigger.clone(),
            as_of,
            lease: lease.fence.lease.clone(),
            fence: lease.fence.token,
            process: lease::process(self.settings),
            request: self.request.text(),
            slot: self.request.slot.clone(),
        };
        reach("run: lease taken").await?;
        let mut open = self.open(&new_run, self.request.resume).await?;
        let mut report = RunReport { run_id: open.run_id, as_of: Some(open.as_of), ..RunReport::default() };
        let outcome = Box::pin(self.make(&mut open, &new_run, lease, &mut report)).await;
        let (state, reason) = match &outcome {
            Ok(()) if report.state == "published" => return Ok(report),
            Ok(()) => (report.state.clone(), None),
            Err(e) if e.kind == Kind::Interrupted => ("interrupted".to_owned(), Some(e.report())),
            Err(e) => ("failed".to_owned(), Some(e.report())),
        };
        let told = reason.or_else(|| summary(&report));
        let noted = self.warehouse.finish_run(report.run_id, &state, told.as_deref()).await;
        outcome?;
        noted?;
        Ok(report)
    }

    /// Takes up an unfinished run, or opens a new one.
    async fn open(&self, new_run: &NewRun, named: Option<i64>) -> Result<OpenRun> {
        let (warehouse, fence) = (self.warehouse, new_run.fence);
        let slot = new_run.slot.as_ref().map(|slot| &slot.key);
        let unfinished = warehouse.find_unfinished_run(&new_run.request, new_run.as_of, fence, named, slot).await?;
        warehouse.close_abandoned_runs(fence, unfinished.map(|run| run.run_id)).await?;
        let open = match unfinished {
            Some(run) => {
                let attempt = warehouse.resume_run(run.run_id, new_run).await?;
                let built = warehouse.built_models(run.run_id).await?;
                let finished = built.into_iter().map(|model| (model.model.clone(), model)).collect();
                OpenRun { run_id: run.run_id, as_of: run.as_of, attempt, finished }
            }
            None => {
                let run_id = warehouse.start_run(new_run).await?;
                OpenRun { run_id, as_of: new_run.as_of, attempt: 1, finished: BTreeMap::new() }
            }
        };
        let (run_id, as_of, attempt) = (open.run_id, open.as_of, open.attempt);
        self.request.progress.tell(Event::Planned { run_id, as_of, attempt, steps: self.plan.steps.len() });
        reach("run: opened").await?;
        Ok(open)
    }

    /// Decides, builds, tests and publishes.
    async fn make(&self, open: &mut OpenRun, new_run: &NewRun, lease: &RunLease, report: &mut RunReport) -> Result<()> {
        let mut prepared = Box::pin(self.prepare(open)).await?;
        if is_stuck(open, &prepared) {
            // Its partitions hold other rows than a run would make now, and making them anew would stop readers.
            let why = "its sources or models have changed since; a new run takes its place";
            self.warehouse.finish_run(open.run_id, "interrupted", Some(why)).await?;
            release(&mut prepared).await;
            let run_id = self.warehouse.start_run(new_run).await?;
            *open = OpenRun { run_id, as_of: new_run.as_of, attempt: 1, finished: BTreeMap::new() };
            let (as_of, steps) = (open.as_of, self.plan.steps.len());
            self.request.progress.tell(Event::Planned { run_id, as_of, attempt: 1, steps });
            (report.run_id, report.as_of) = (run_id, Some(as_of));
            prepared = Box::pin(self.prepare(open)).await?;
        }
        report.carried = self.note_carried(open, &prepared.decisions).await?;
        report.state = "failed".into();
        if !prepared.wrong.is_empty() {
            release(&mut prepared).await;
            report.failed = prepared.wrong.iter().map(|(name, e)| (name.clone(), e.report())).collect();
            for (name, e) in &prepared.wrong {
                let kind = self.plan.step(name).map_or("model", |step| step.kind.name());
                self.request.progress.tell(Event::ModelRefused { name: name.clone(), kind, error: e.report() });
            }
            return Ok(());
        }
        let Prepared { run, decisions, mut batch, early, .. } = prepared;
        if !early.failed.is_empty() {
            // Who reads what failed would wait for it in vain, and made later it could not be seen in the snapshot.
            batch.names.clear();
        }
        let (threads, progress) = (self.settings.run.threads, &self.request.progress);
        let mut outcome = Box::pin(execute::steps(&run, &self.plan, batch, threads, &self.halt, progress)).await?;
        outcome.failed.extend(early.failed);
        report.built = outcome.built.iter().chain(&early.built).map(|(name, _)| name.clone()).collect();
        report.skipped = outcome.skipped;
        if let Some(reason) = self.halt.reason() {
            // Asked for, it is an interruption; a lease lost to somebody else is a failure.
            let kind = if reason == STOP_ASKED { Kind::Interrupted } else { Kind::Failed };
            return Err(Error::new(kind, format!("run {} was stopped: {reason}", run.run_id))
                .detail("Nothing was published; readers see the run before."));
        }
        if let Some((_, lost)) = outcome.failed.iter().find(|(_, e)| e.kind == Kind::Unreachable) {
            return Err(Error::unreachable(lost.message.clone()).detail("The run failed; readers see the run before."));
        }
        report.failed = outcome.failed.iter().map(|(name, e)| (name.clone(), e.report())).collect();
        if !report.failed.is_empty() {
            return Ok(());
        }
        let live = withdrawal::current(&self.project, self.warehouse.live().await?);
        let publisher = Publisher::new(&self.project, self.warehouse, run.run_id, run.as_of);
        if !self.request.skip_tests {
            let passed = self.warehouse.passed_tests().await?;
            // Of no run: the hash of a test is to be the same in the next one.
            let unnumbered = Publisher::new(&self.project, self.warehouse, 0, run.as_of);
            let due = data_tests::due(&self.project, &self.plan, &decisions, &live, &passed, &unnumbered.context);
            let bad = data_tests::ask(&run, due, threads, &self.halt, progress).await?;
            report.failed = bad.iter().map(|t| (t.test.clone(), verdict(t))).collect();
            if !report.failed.is_empty() {
                return Ok(());
            }
            reach("run: tests passed").await?;
        }
        run.former.drop_lines(&run.warehouse, run.run_id).await?;
        let mut made = outcome.built;
        made.extend(decisions.into_iter().filter_map(|(name, decision)| match decision {
            Decision::Reuse(table) => Some((name, Some(table))),
            _ => None,
        }));
        if !self.request.accept_row_loss {
            report.failed = row_guard::refuse_row_loss(&run, &self.plan, self.settings, &made).await?;
        }
        if !report.failed.is_empty() {
            return Ok(());
        }
        if self.request.skip_publish {
            report.state = "built".into();
            return Ok(());
        }
        Box::pin(self.publish(run.run_id, &publisher, &made, lease, report)).await
    }

    /// Attaches the tables and moves the pointers.
    async fn publish(
        &self,
        run_id: i64,
        publisher: &Publisher<'_>,
        made: &[(String, Option<StoredTable>)],
        lease: &RunLease,
        report: &mut RunReport,
    ) -> Result<()> {
        let publications = publisher.all(&self.plan, made)?;
        let mut client = self.warehouse.client().await?;
        let mut parents = Vec::new();
        for (name, table) in made {
            let Some(StoredTable { parent, .. }) = table else { continue };
            if self.plan.step(name).is_some_and(|step| matches!(step.kind, StepKind::History { .. })) {
                self.warehouse.append_history(&mut client, name, run_id, parent, &lease.fence).await?;
            } else {
                self.warehouse.attach(&client, name, run_id, parent).await?;
                parents.push(parent.clone());
            }
            reach("model: attached").await?;
        }
        drop(client);
        self.warehouse.settle(&parents).await?;
        let mut fences = vec![lease.fence.clone()];
        fences.extend(self.request.slot.as_ref().map(|slot| slot.fence.clone()));
        let began = Instant::now();
        let patience = Duration::from_secs(self.settings.run.publish_patience_seconds);
        self.warehouse.publish(run_id, &publications, &fences, patience).await?;
        self.request.progress.tell(Event::Published { relations: publications.len(), elapsed: began.elapsed() });
        report.published = publications.into_iter().map(|p| p.relation).collect();
        report.state = "published".into();
        Ok(())
    }
}

/// Whether what an earlier attempt has attached already would have to be built again.
fn is_stuck(open: &OpenRun, prepared: &Prepared) -> bool {
    open.finished
        .values()
        .any(|done| done.is_attached && matches!(prepared.decisions.get(&done.model), Some(Decision::Build) | None))
}

async fn release(prepared: &mut Prepared) {
    if let Some(sources) = prepared.batch.sources.take() {
        sources.release().await;
    }
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
    let selected = project.tests.values().filter(|test| {
        selected.contains(&test.model) && published(&test.model) && test.refs.iter().all(|name| published(name))
    });
    let tests: Vec<String> = selected.map(|test| test.name.clone()).collect();
    let asker = Asker { warehouse, project: &project, context: &context };
    data_tests::ask_published(&asker, &tests, progress).await
}

/// The raw orders with those of relations, where there are any.
const ALL_ORDERS: &str = "stg_raw_orders";

/// The end of the data's last complete day; a project that reads no ingested orders takes the last midnight.
async fn as_of_data(project: &Project, warehouse: &Warehouse) -> Result<DateTime<Utc>> {
    let reads_orders = project.models.values().any(|m| m.sources.iter().any(|(s, t)| s == "raw" && t == "orders"));
    let midnight = warehouse.last_midnight().await?;
    if !reads_orders {
        return Ok(midnight);
    }
    let orders = match project.models.contains_key(ALL_ORDERS) {
        true => Some(inlined(project, ALL_ORDERS, &published_context(project, warehouse, 0, midnight))?),
        false => None,
    };
    warehouse.last_complete_day(orders.as_deref()).await
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
