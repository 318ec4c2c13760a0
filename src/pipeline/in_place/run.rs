//! A run in place: schemas, hooks of the project, every selected node as soon as it may, a report.

use super::defer::Deferred;
use super::project::DbtLayout;
use super::queue::{Ended, Queue, edges};
use super::report::{NodeResult, Status, is_good};
use super::step::{self, Worker};
use super::{Event, Options, Progress};
use crate::error::{Error, Result};
use crate::project::RelationName;
use crate::project::manifest::{Compiler, Listener, Manifest, Node, Resource, RunScope};
use crate::warehouse::Warehouse;
use crate::warehouse::in_place::{Catalog, Limits, Session, create_schema};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What all nodes of a run share.
pub struct Run {
    /// The database.
    pub warehouse: Warehouse,
    /// The project.
    pub manifest: Arc<Manifest>,
    /// Renders; each node does it over its own connection.
    pub compiler: Compiler,
    /// What is in the schemas of the run.
    pub catalog: Catalog,
    /// What was asked for.
    pub options: Options,
    /// Turns into a reason when the run is to end early.
    pub halt: watch::Receiver<Option<String>>,
    /// Relations of the run, which may be made anew on the way.
    pub relations: Arc<BTreeSet<RelationName>>,
    /// Folder of artifacts, relative to the project where it lies in it.
    pub target: PathBuf,
    /// Texts of seeds, by package and file.
    pub seeds: BTreeMap<(String, String), String>,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// Every node in the order of its end.
    pub results: Vec<NodeResult>,
    /// Time from the first statement to the last.
    pub elapsed: Duration,
    /// Whether somebody asked for an early end.
    pub was_stopped: bool,
}

impl Report {
    /// Whether every node ended well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.results.iter().all(|result| is_good(result.status))
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let results: Vec<serde_json::Value> = self
            .results
            .iter()
            .map(|result| {
                serde_json::json!({
                    "unique_id": result.id, "status": result.status.as_str(), "message": result.message,
                    "failures": result.failures, "rows": result.rows, "elapsed_seconds": result.elapsed.as_secs_f64(),
                })
            })
            .collect();
        serde_json::json!({"results": results, "elapsed_seconds": self.elapsed.as_secs_f64()})
    }
}

impl Run {
    /// The relation of a node, quoted, with its database.
    pub fn quoted(&self, node: &Node) -> String {
        let name = node.relation();
        [&name.database, &name.schema, &name.identifier].map(|part| crate::project::quote_identifier(part)).join(".")
    }

    /// The file of a node's SQL as it was rendered, as messages show it.
    pub fn compiled_file(&self, node: &Node) -> String {
        self.target.join(super::artifacts::compiled_path(node)).display().to_string()
    }

    /// Ends when the run is to end early, with the reason.
    pub async fn halted(&self) -> String {
        let mut halt = self.halt.clone();
        let reason = halt.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            // Nobody is left who could ask for an early end.
            None => std::future::pending().await,
        }
    }

    /// The instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.compiler.world.clock.now()
    }

    /// Text of a seed.
    pub fn seed_text(&self, node: &Node) -> Option<String> {
        self.seeds.get(&(node.package.clone(), node.file.clone())).cloned()
    }

    /// Whether the run is to end early.
    pub fn is_halted(&self) -> bool {
        self.halt.borrow().is_some()
    }
}

/// Runs the selected nodes.
pub async fn nodes(run: &Arc<Run>, selected: &BTreeSet<String>, progress: &Progress) -> Result<Report> {
    let began = Instant::now();
    let mut report = Report::default();
    prepare_schemas(run, selected).await?;
    if project_hooks(run, "on-run-start", progress, &mut report).await {
        run_queue(run, selected, progress, &mut report).await?;
    } else {
        for id in selected {
            report.results.push(NodeResult::skipped(id, "a hook of on-run-start failed"));
        }
    }
    project_hooks(run, "on-run-end", progress, &mut report).await;
    report.elapsed = began.elapsed();
    Ok(report)
}

async fn run_queue(
    run: &Arc<Run>,
    selected: &BTreeSet<String>,
    progress: &Progress,
    report: &mut Report,
) -> Result<()> {
    let manifest = run.manifest.clone();
    let is_test = |id: &str| id.starts_with("test.") || id.starts_with("unit_test.");
    let mut waits_for =
        edges(selected, &|id| manifest.parents(id).to_vec(), &is_test, run.options.tests_before_children);
    // A unit test runs before the model it is about, on nothing but given rows.
    for id in selected.iter().filter(|id| id.starts_with("unit_test.")) {
        let tested = manifest.nodes.get(id).and_then(|test| test.test.as_ref()).and_then(|test| test.attached.clone());
        if let Some(tested) = tested.filter(|tested| selected.contains(tested)) {
            if let Some(before) = waits_for.get_mut(id) {
                before.remove(&tested);
                before.extend(manifest.parents(&tested).iter().filter(|p| selected.contains(*p)).cloned());
            }
            waits_for.entry(tested).or_default().insert(id.clone());
        }
    }
    let order = run.options.order(&manifest, selected);
    let total = order.len();
    let mut queue = Queue::new(&order, &waits_for);
    let mut idle: Vec<Worker> = (1..=run.options.threads.max(1)).rev().map(Worker::new).collect();
    let mut running: JoinSet<(NodeResult, Worker)> = JoinSet::new();
    let mut started = 0;
    let mut is_stopping = false;
    loop {
        while !is_stopping && !run.is_halted() && !idle.is_empty() {
            let Some(id) = queue.next() else { break };
            let Some(node) = manifest.nodes.get(&id).cloned().map(Arc::new) else {
                // An exposure: it is lineage, and nothing to do.
                started += 1;
                let result = NodeResult {
                    status: Status::NoOp,
                    message: "NO-OP".into(),
                    failures: Some(0),
                    ..NodeResult::blank(&id)
                };
                finish(run, &mut queue, result, (started, total), progress, report);
                continue;
            };
            let Some(mut worker) = idle.pop() else { break };
            started += 1;
            progress.tell(Event::Started { id, place: started, total });
            let run = run.clone();
            running.spawn(async move { (step::run(&run, &node, &mut worker).await, worker) });
        }
        let Some(joined) = running.join_next().await else { break };
        let (result, worker) = joined.map_err(|e| Error::failed("a node's task ended without a word").source(e))?;
        idle.push(worker);
        is_stopping |= run.options.fail_fast && !is_good(result.status);
        finish(run, &mut queue, result, (started, total), progress, report);
    }
    let why = match (run.halt.borrow().as_ref(), is_stopping) {
        (Some(reason), _) => reason.clone(),
        (None, true) => "another node failed, and --fail-fast was given".to_owned(),
        (None, false) => "a node that it needs failed".to_owned(),
    };
    for id in queue.drain() {
        let result = NodeResult::skipped(&id, &why);
        progress.tell(Event::Finished { result: Box::new(result.clone()), place: total, total });
        report.results.push(result);
    }
    Ok(())
}

fn finish(
    run: &Run,
    queue: &mut Queue,
    result: NodeResult,
    (place, total): (usize, usize),
    progress: &Progress,
    report: &mut Report,
) {
    let ended = if is_good(result.status) { Ended::Well } else { Ended::Badly };
    let skipped = queue.finish(&result.id, ended);
    let label = run.manifest.label(&result.id);
    progress.tell(Event::Finished { result: Box::new(result.clone()), place, total });
    report.results.push(result);
    for id in skipped {
        let result = NodeResult::skipped(&id, &format!("{label} failed"));
        progress.tell(Event::Finished { result: Box::new(result.clone()), place, total });
        report.results.push(result);
    }
}

/// Makes the schemas of the selected nodes, those that are not there.
async fn prepare_schemas(run: &Run, selected: &BTreeSet<String>) -> Result<()> {
    let nodes = selected.iter().filter_map(|id| run.manifest.nodes.get(id));
    let wanted: BTreeSet<&str> = nodes
        .filter(|node| node.is_built() || (node.resource == Resource::Test && run.options.stores(node)))
        .map(|node| node.schema.as_str())
        .collect();
    let missing: Vec<&str> = wanted.into_iter().filter(|schema| !run.options.known_schemas.contains(*schema)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let session = Session::open(&run.warehouse, None, Limits::default()).await?;
    for schema in missing {
        create_schema(&session, schema).await?;
    }
    session.commit().await
}

/// Runs the project's hooks of one list; whether all ended well.
async fn project_hooks(run: &Arc<Run>, list: &str, progress: &Progress, report: &mut Report) -> bool {
    if !run.options.runs_project_hooks {
        return true;
    }
    let mut hooks: Vec<&Node> = run
        .manifest
        .nodes
        .values()
        .filter(|node| node.resource == Resource::Operation && node.tags().contains(&list))
        .collect();
    // Those of packages come before those of the root project, each list in its own order.
    hooks.sort_by_key(|node| {
        let index = node.extra.get("index").and_then(serde_json::Value::as_u64).unwrap_or_default();
        (node.package == run.manifest.root, node.package.clone(), index)
    });
    let total = hooks.len();
    for (number, hook) in hooks.into_iter().enumerate() {
        let began = Instant::now();
        let outcome = one_hook(run, hook, report).await;
        let mut result = match outcome {
            Ok((message, sql)) => NodeResult { message, compiled: Some(sql), ..NodeResult::blank(&hook.id) },
            Err(e) => NodeResult::failed(&hook.id, &e),
        };
        result.elapsed = began.elapsed();
        let ended_well = is_good(result.status);
        progress.tell(Event::Finished { result: Box::new(result.clone()), place: number + 1, total });
        report.results.push(result);
        if !ended_well {
            return false;
        }
    }
    true
}

/// Runs a hook; what the server said, and the SQL.
async fn one_hook(run: &Arc<Run>, hook: &Node, report: &Report) -> Result<(String, String)> {
    let session = Arc::new(Session::open(&run.warehouse, Some(&hook.id), Limits::default()).await?);
    let database = crate::warehouse::in_place::Blocking::new(tokio::runtime::Handle::current(), session.clone());
    let compiler = run.compiler.over(Arc::new(database));
    let locals = super::results::locals(run, report);
    let (node, text) = (Arc::new(hook.clone()), hook.raw_code.clone());
    let sql = tokio::task::spawn_blocking(move || compiler.text_with(&node, &text, locals))
        .await
        .map_err(|e| Error::failed("hook could not be rendered").source(e))??;
    if sql.trim().is_empty() {
        return Ok(("OK".into(), sql));
    }
    let answer = session.execute(&sql).await?;
    session.commit().await?;
    Ok((answer.tag, sql))
}

/// Names of results, by status, for summaries.
pub fn counts(results: &[NodeResult]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.status.as_str()).or_default() += 1;
    }
    counts
}

/// Runs the selected nodes of a project.
pub async fn run(
    warehouse: &Warehouse,
    project: &DbtLayout,
    selected: &BTreeSet<String>,
    mut options: Options,
    deferred: Deferred,
    progress: &Progress,
    stop: watch::Receiver<bool>,
) -> Result<Report> {
    let manifest = project.manifest.clone();
    super::check::check(&manifest, selected)?;
    let session = Session::open(warehouse, None, Limits::default()).await?;
    let schemas: BTreeSet<&str> =
        manifest.nodes.values().filter(|n| n.is_built() || options.stores(n)).map(|n| n.schema.as_str()).collect();
    let schemas: Vec<String> = schemas.into_iter().map(str::to_owned).collect();
    let catalog = Catalog::load(&session, &schemas).await?;
    let swept = catalog.sweep(&session).await?;
    if !swept.is_empty() {
        tracing::info!(relations = swept.len(), "left-overs of a killed run removed");
    }
    options.known_schemas = crate::warehouse::in_place::shape::schemas(&session).await?.into_iter().collect();
    session.commit().await?;
    drop(session);
    let relations = deferred.relations(&manifest, selected, &catalog);
    let mut scope = RunScope::new(manifest.clone());
    scope.relations = Arc::new(relations);
    scope.window = options.sample;
    scope.selected = Arc::new(selected.iter().cloned().collect());
    let listener = progress.clone();
    scope.listener = Listener::new(move |level, text| listener.tell(Event::Said { level, text: text.to_owned() }));
    let (halt_sender, halt) = watch::channel(None);
    let listener = tokio::spawn(forward_stop(stop, halt_sender));
    let built = selected.iter().filter_map(|id| manifest.nodes.get(id)).filter(|node| node.is_built());
    let run = Arc::new(Run {
        warehouse: warehouse.clone(),
        compiler: Compiler { world: project.world.clone(), scope: Arc::new(scope) },
        catalog,
        options,
        halt,
        relations: Arc::new(built.map(Node::relation).collect()),
        target: project.shown_target(),
        seeds: project.seeds.clone(),
        manifest,
    });
    let report = nodes(&run, selected, progress).await;
    listener.abort();
    let mut report = report?;
    report.was_stopped = run.is_halted();
    Ok(report)
}

async fn forward_stop(mut stop: watch::Receiver<bool>, halt: watch::Sender<Option<String>>) {
    if stop.wait_for(|stopped| *stopped).await.is_ok() {
        halt.send_replace(Some("a stop was asked for".into()));
    } else {
        // The sender went away without asking for a stop: there is nobody left who could.
        std::future::pending::<()>().await;
    }
}
