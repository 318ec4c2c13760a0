//! One node, from its text to its relation: compile, hooks, materialize, grants and comments, commit.

use super::report::{NodeResult, Status};
use super::run::Run;
use super::{locate, model, seed, snapshot, test, unit_test};
use crate::error::{Error, Result};
use crate::project::Database;
use crate::project::manifest::{Compiled, Compiler, Node, Resource};
use crate::warehouse::in_place::{Blocking, Limits, Session};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a template may take, its questions to the database included.
const LONGEST_RENDERING: Duration = Duration::from_secs(600);

/// Ends a rendering when whoever waits for it goes away.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Times that a node is tried when the server, not the node, is the trouble.
const TRIES: u32 = 3;

/// A node that cannot have a lock is tried again, which does more good than a long queue behind it.
const LIMITS: Limits = Limits { statement: None, lock: Some(Duration::from_secs(10)) };

/// A node that is being worked on: its connection, and a compiler that may ask the database over it.
pub struct Work {
    /// What all nodes of the run share.
    pub run: Arc<Run>,
    /// The node.
    pub node: Arc<Node>,
    /// Its connection.
    pub session: Arc<Session>,
    /// Renders over that connection.
    pub compiler: Compiler,
    /// SQL as it was rendered last: what to look at when the node fails.
    compiled: Arc<Mutex<Option<String>>>,
}

impl Work {
    /// Renders on a thread that may wait for the database.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Compiler, &Arc<Node>) -> Result<T> + Send + 'static,
    {
        // A thread cannot be ended from outside: the template is told, also when nobody waits for it any longer.
        let stop = StopOnDrop(Arc::default());
        let (compiler, node) = (self.compiler.stoppable(stop.0.clone()), self.node.clone());
        let label = node.label();
        let mut rendering = tokio::task::spawn_blocking(move || work(&compiler, &node));
        let done = tokio::select! {
            done = &mut rendering => done,
            () = tokio::time::sleep(LONGEST_RENDERING) => {
                stop.0.store(true, Ordering::Relaxed);
                rendering.await
            }
        };
        done.map_err(|e| Error::failed(format!("{label} could not be rendered")).source(e))?
    }

    /// SQL of the node.
    pub async fn compile(&self) -> Result<Compiled> {
        let compiled = self.blocking(Compiler::node).await?;
        let mut kept = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(compiled.code.clone());
        drop(kept);
        Ok(compiled)
    }

    /// The error of a statement that was rendered from the node's file, with its place there.
    pub fn located(&self, sql: &str, error: Error) -> Error {
        locate::in_file(&self.run.manifest, &self.run.compiled_file(&self.node), &self.node, sql, error)
    }

    /// Whether the relation is to be made anew whatever is there.
    pub fn is_full_refresh(&self) -> bool {
        self.node.flag("full_refresh").unwrap_or(self.run.options.full_refresh)
    }
}

/// One of the run's places for nodes at work.
#[derive(Debug)]
pub struct Worker {
    /// Its number, from 1.
    pub number: usize,
    /// Its connection, kept from node to node.
    session: Option<Session>,
}

impl Worker {
    /// A worker that has not connected yet.
    pub fn new(number: usize) -> Worker {
        Worker { number, session: None }
    }
}

/// Runs one node; a passing fault of the server is tried again.
pub async fn run(run: &Arc<Run>, node: &Arc<Node>, worker: &mut Worker) -> NodeResult {
    let began = Instant::now();
    let began_at = run.now();
    let mut attempt = 1;
    let compiled = Arc::new(Mutex::new(None));
    let mut result = loop {
        match attempt_once(run, node, worker, &compiled).await {
            Ok(result) => break result,
            Err(e) if attempt < TRIES && e.may_pass() => {
                tracing::warn!(node = node.id, attempt, reason = %e, "a passing fault of the server, trying again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt * attempt))).await;
                attempt += 1;
            }
            Err(e) => {
                let compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner).take();
                break NodeResult { compiled, ..NodeResult::failed(&node.id, &e) };
            }
        }
    };
    result.worker = worker.number;
    result.elapsed = began.elapsed();
    result.executed_at = Some((result.compiled_at.map_or(began_at, |(_, end)| end), run.now()));
    if result.relation.is_none() && node.is_built() {
        result.relation = Some(run.quoted(node));
    }
    result
}

async fn attempt_once(
    run: &Arc<Run>,
    node: &Arc<Node>,
    worker: &mut Worker,
    compiled: &Arc<Mutex<Option<String>>>,
) -> Result<NodeResult> {
    let session = match worker.session.take() {
        Some(session) => session.for_node(&node.id),
        None => Session::open(&run.warehouse, Some(&node.id), LIMITS).await?,
    };
    let session = Arc::new(session);
    let handle = tokio::runtime::Handle::current();
    let database: Arc<dyn Database> = Arc::new(Blocking::new(handle, session.clone()));
    let compiler = run.compiler.over(database);
    let work =
        Work { run: run.clone(), node: node.clone(), session: session.clone(), compiler, compiled: compiled.clone() };
    let outcome = tokio::select! {
        outcome = by_kind(&work) => outcome,
        reason = run.halted() => Err(Error::interrupted(format!("{} was stopped: {reason}", node.label()))),
    };
    drop(work);
    match &outcome {
        Err(_) if run.is_halted() => session.stop().await,
        Err(e) if is_lost(e) => {
            if let Some(session) = Arc::into_inner(session) {
                session.discard();
            }
        }
        // A session that somebody still holds, or that cannot be rolled back, is left to itself.
        _ => {
            if let Some(session) = Arc::into_inner(session)
                && session.rollback().await.is_ok()
            {
                worker.session = Some(session);
            }
        }
    }
    outcome
}

/// Whether the connection is, or may be, gone with the error.
fn is_lost(error: &Error) -> bool {
    error.may_pass() && !error.is_lock_trouble()
}

async fn by_kind(work: &Work) -> Result<NodeResult> {
    match work.node.resource {
        Resource::Model => model::build(work).await,
        Resource::Seed => seed::build(work).await,
        Resource::Snapshot => snapshot::build(work).await,
        Resource::Test => test::run(work).await,
        Resource::UnitTest => unit_test::run(work).await,
        _ => {
            Ok(NodeResult { status: Status::NoOp, message: "nothing to do".into(), ..NodeResult::blank(&work.node.id) })
        }
    }
}
