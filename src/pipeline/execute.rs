//! Runs the steps of a plan side by side, each as soon as all it reads is done.

use super::plan::{Plan, Step};
use super::step::{self, RunContext};
use super::{Event, Progress};
use crate::error::{Error, Kind, Result};
use crate::project::{Context, Project};
use crate::warehouse::Warehouse;
use crate::warehouse::materialize::StoredTable;
use crate::warehouse::runs::{ModelOutcome, TestOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What came of the steps.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Built steps in order of their end, with their tables.
    pub built: Vec<(String, Option<StoredTable>)>,
    /// Failed steps with the reason.
    pub failed: Vec<(String, Error)>,
    /// Steps left out because one they read failed or the run was stopped.
    pub skipped: Vec<String>,
}

/// Builds every step of the plan, at most `threads` at a time.
pub async fn steps(
    run: &Arc<RunContext>,
    plan: &Plan,
    threads: usize,
    halt: &watch::Receiver<Option<String>>,
    progress: &Progress,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> =
        plan.steps.iter().map(|s| (s.name.as_str(), s.parents.iter().map(String::as_str).collect())).collect();
    let mut running = JoinSet::new();
    loop {
        while running.len() < threads.max(1) && halt.borrow().is_none() {
            let ready = plan.steps.iter().find(|s| waiting.get(s.name.as_str()).is_some_and(BTreeSet::is_empty));
            let Some(step) = ready else { break };
            waiting.remove(step.name.as_str());
            progress.tell(Event::ModelStarted { name: step.name.clone(), kind: step.kind.name() });
            running.spawn(one(run.clone(), step.clone(), halt.clone()));
        }
        let Some(joined) = running.join_next().await else { break };
        let (step, elapsed, result) =
            joined.map_err(|e| Error::failed("a model's task ended without a word").source(e))?;
        let name = step.name.clone();
        let (state, rows, error) = match &result {
            Ok(table) => ("built", table.as_ref().map(|t| t.row_count), None),
            Err(e) => ("failed", None, Some(e.report())),
        };
        progress.tell(Event::ModelFinished { name: name.clone(), kind: step.kind.name(), state, rows, elapsed, error });
        match result {
            Ok(table) => {
                waiting.values_mut().for_each(|parents| {
                    parents.remove(name.as_str());
                });
                outcome.built.push((name, table));
            }
            Err(e) => {
                outcome.failed.push((name, e));
            }
        }
    }
    for step in &plan.steps {
        if waiting.contains_key(step.name.as_str()) {
            let reason = match halt.borrow().as_ref() {
                Some(reason) => reason.clone(),
                None => "a model that it reads failed".to_owned(),
            };
            run.warehouse.skip_model(run.run_id, &step.name, step.kind.name(), &step.fingerprint, &reason).await?;
            progress.tell(Event::ModelSkipped { name: step.name.clone(), kind: step.kind.name() });
            outcome.skipped.push(step.name.clone());
        }
    }
    Ok(outcome)
}

type Finished = (Step, std::time::Duration, Result<Option<StoredTable>>);

/// Builds one step and writes how it ended into the ledger.
async fn one(run: Arc<RunContext>, step: Step, halt: watch::Receiver<Option<String>>) -> Finished {
    let began = Instant::now();
    let relation = crate::warehouse::materialize::run_relation(&step.name, run.run_id);
    let started =
        run.warehouse.start_model(run.run_id, &step.name, step.kind.name(), &relation, &step.fingerprint).await;
    if let Err(e) = started {
        return (step, began.elapsed(), Err(e));
    }
    let result = step::build(&run, &step, &halt).await;
    let elapsed = began.elapsed();
    let outcome = match &result {
        Ok(table) => ModelOutcome {
            state: "built".into(),
            parent_relation: table.as_ref().map(|t| t.parent.clone()),
            row_count: table.as_ref().map(|t| t.row_count),
            byte_count: table.as_ref().map(|t| t.byte_count),
            elapsed,
            error: None,
        },
        Err(e) => ModelOutcome { state: "failed".into(), elapsed, error: Some(e.report()), ..ModelOutcome::default() },
    };
    let noted = run.warehouse.finish_model(run.run_id, &step.name, &outcome).await;
    let result = match (result, noted) {
        (Ok(_), Err(e)) => Err(e),
        (result, _) => result,
    };
    (step, elapsed, result)
}

/// Runs every data test that is about a planned name; returns those that forbid the publish.
pub async fn tests(
    run: &Arc<RunContext>,
    plan: &Plan,
    threads: usize,
    halt: &watch::Receiver<Option<String>>,
    progress: &Progress,
) -> Result<Vec<TestOutcome>> {
    let mut names: Vec<String> =
        run.project.tests.values().filter(|t| plan.step(&t.model).is_some()).map(|t| t.name.clone()).collect();
    names.reverse();
    let mut running = JoinSet::new();
    let mut bad = Vec::new();
    loop {
        while running.len() < threads.max(1) && halt.borrow().is_none() {
            let Some(name) = names.pop() else { break };
            let run = run.clone();
            running.spawn(async move { one_test(&run.warehouse, &run.project, &run.context, &name).await });
        }
        let Some(joined) = running.join_next().await else { break };
        let outcome = joined.map_err(|e| Error::failed("a test's task ended without a word").source(e))??;
        run.warehouse.record_test(run.run_id, &outcome).await?;
        progress.tell(Event::TestFinished(outcome.clone()));
        if outcome.state == "failed" || outcome.state == "errored" {
            bad.push(outcome);
        }
    }
    if let Some(reason) = halt.borrow().as_ref() {
        return Err(Error::interrupted(format!("the run was stopped: {reason}")));
    }
    Ok(bad)
}

/// Runs one data test in this context.
pub async fn one_test(warehouse: &Warehouse, project: &Project, context: &Context, name: &str) -> Result<TestOutcome> {
    let began = Instant::now();
    let test =
        project.tests.get(name).ok_or_else(|| Error::config(format!("data test \"{name}\" is not in the project")))?;
    let counted = async {
        let select = project.compile_test(name, context)?;
        let _turn = warehouse.turn().await?;
        let client = warehouse.client().await?;
        warehouse.count_failures(&client, name, &select).await
    };
    let counted = counted.await;
    let is_warning = test.severity == crate::project::Severity::Warn;
    let (state, failure_count, error) = match counted {
        Ok(0) => ("passed", Some(0), None),
        Ok(n) if is_warning => ("warned", Some(n), None),
        Ok(n) => ("failed", Some(n), None),
        Err(e) if e.kind == Kind::Unreachable => return Err(e),
        Err(e) => ("errored", None, Some(e.report())),
    };
    Ok(TestOutcome {
        test: name.to_owned(),
        model: test.model.clone(),
        severity: if is_warning { "warn" } else { "error" }.into(),
        state: state.into(),
        failure_count,
        elapsed: began.elapsed(),
        error,
    })
}
