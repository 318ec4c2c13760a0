//! Runs the steps of a plan side by side, each as soon as all it reads is done.

use super::halt::Halt;
use super::plan::{Plan, Step};
use super::step::{self, Built, RunContext};
use super::{Event, Progress};
use crate::crash_point::reach;
use crate::error::{Error, Result};
use crate::warehouse::materialize::{StoredTable, run_relation};
use crate::warehouse::run_models::{ModelOutcome, NewModel};
use crate::warehouse::sources::SourceSnapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
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

/// Which steps to build now, and what becomes free once those that read sources are done.
pub struct Batch {
    /// Names of the steps.
    pub names: BTreeSet<String>,
    /// The snapshot of the sources, held until the last step that reads within it has ended.
    pub sources: Option<SourceSnapshot>,
}

/// Builds the steps of a batch, at most `threads` at a time; those outside it are taken for done.
pub async fn steps(
    run: &Arc<RunContext>,
    plan: &Plan,
    mut batch: Batch,
    threads: usize,
    halt: &Halt,
    progress: &Progress,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = plan
        .steps
        .iter()
        .filter(|step| batch.names.contains(&step.name))
        .map(|step| {
            let parents = step.parents.iter().filter(|parent| batch.names.contains(*parent));
            (step.name.as_str(), parents.map(String::as_str).collect())
        })
        .collect();
    let mut running = JoinSet::new();
    let mut at_work: BTreeSet<String> = BTreeSet::new();
    loop {
        while running.len() < threads.max(1) && halt.reason().is_none() {
            let ready = plan.steps.iter().find(|s| waiting.get(s.name.as_str()).is_some_and(BTreeSet::is_empty));
            let Some(step) = ready else { break };
            waiting.remove(step.name.as_str());
            at_work.insert(step.name.clone());
            progress.tell(Event::ModelStarted { name: step.name.clone(), kind: step.kind.name() });
            running.spawn(one(run.clone(), step.clone(), halt.clone()));
        }
        let reads = |name: &str| run.snapshot.as_ref().is_some_and(|(_, readers)| readers.contains(name));
        let is_read = waiting.keys().any(|name| reads(name)) || at_work.iter().any(|name| reads(name));
        if !is_read && let Some(sources) = batch.sources.take() {
            sources.release().await;
        }
        let Some(joined) = running.join_next().await else { break };
        let (step, elapsed, result) =
            joined.map_err(|e| Error::failed("a model's task ended without a word").source(e))?;
        let name = step.name.clone();
        at_work.remove(&name);
        let (state, rows, error) = match &result {
            Ok(built) => ("built", built.table.as_ref().map(|t| t.row_count), None),
            Err(e) => ("failed", None, Some(e.report())),
        };
        progress.tell(Event::ModelFinished { name: name.clone(), kind: step.kind.name(), state, rows, elapsed, error });
        match result {
            Ok(built) => {
                waiting.values_mut().for_each(|parents| {
                    parents.remove(name.as_str());
                });
                outcome.built.push((name, built.table));
            }
            Err(e) => {
                outcome.failed.push((name, e));
            }
        }
    }
    for step in &plan.steps {
        if waiting.contains_key(step.name.as_str()) {
            let reason = halt.reason().unwrap_or_else(|| "a model that it reads failed".to_owned());
            run.warehouse.skip_model(run.run_id, &step.name, step.kind.name(), &step.fingerprint, &reason).await?;
            progress.tell(Event::ModelSkipped { name: step.name.clone(), kind: step.kind.name() });
            outcome.skipped.push(step.name.clone());
        }
    }
    Ok(outcome)
}

type Finished = (Step, std::time::Duration, Result<Built>);

/// Builds one step and writes how it ended into the ledger.
async fn one(run: Arc<RunContext>, step: Step, halt: Halt) -> Finished {
    let began = Instant::now();
    let result = noted(&run, &step, &halt, began).await;
    (step, began.elapsed(), result)
}

async fn noted(run: &Arc<RunContext>, step: &Step, halt: &Halt, began: Instant) -> Result<Built> {
    let relation = run_relation(&step.name, run.run_id);
    let new = NewModel {
        model: &step.name,
        kind: step.kind.name(),
        relation: &relation,
        fingerprint: &step.fingerprint,
        inputs: run.inputs.get(&step.name).map_or("", String::as_str),
        recipe: run.former.recipes.get(&step.name).map(String::as_str),
    };
    run.warehouse.start_model(run.run_id, &new).await?;
    let result = Box::pin(step::build(run, step, halt)).await;
    let elapsed = began.elapsed();
    let outcome = match &result {
        Ok(built) => ModelOutcome {
            state: "built".into(),
            parent_relation: built.table.as_ref().map(|t| t.parent.clone()),
            row_count: built.table.as_ref().map(|t| t.row_count),
            byte_count: built.table.as_ref().map(|t| t.byte_count),
            elapsed,
            hidden_reads: built.hidden_reads.clone(),
            changed_keys: built.changed_keys,
            error: None,
        },
        Err(e) => ModelOutcome { state: "failed".into(), elapsed, error: Some(e.report()), ..ModelOutcome::default() },
    };
    let recorded = run.warehouse.finish_model(run.run_id, &step.name, &outcome).await;
    let built = result?;
    recorded?;
    reach("model: recorded").await?;
    Ok(built)
}
