//! The data tests of a run: which must be asked, and asking them.

use super::carry::Decision;
use super::halt::{self, Halt};
use super::plan::Plan;
use super::step::RunContext;
use super::{Event, Progress};
use crate::error::{Error, Kind, Result};
use crate::project::{Context, DataTest, Project, Severity};
use crate::warehouse::Warehouse;
use crate::warehouse::run_models::TestOutcome;
use crate::warehouse::runs::Live;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// A data test that is to be asked, and the hash of its SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTest {
    /// Its name.
    pub name: String,
    /// Hash of its SQL over published relations.
    pub fingerprint: String,
}

/// The tests about planned names whose answer may have changed: one that passed is not asked again before it, or
/// anything that it reads, is another.
pub fn due(
    project: &Project,
    plan: &Plan,
    decisions: &BTreeMap<String, Decision>,
    live: &BTreeMap<String, Live>,
    passed: &BTreeMap<(String, String), i64>,
    published: &Context,
) -> Vec<DueTest> {
    let mut found = Vec::new();
    for test in project.tests.values().filter(|test| plan.step(&test.model).is_some()) {
        // A view that nobody reads is not there.
        if matches!(decisions.get(&test.model), Some(Decision::Leave)) {
            continue;
        }
        let fingerprint = fingerprint(project, test, published);
        let reads: Vec<&String> = test.refs.iter().chain([&test.model]).collect();
        let is_new = reads.iter().any(|name| {
            matches!(decisions.get(*name), Some(Decision::Build | Decision::Reuse(_))) || !live.contains_key(*name)
        });
        let newest_read = reads.iter().filter_map(|name| live.get(*name)).map(|live| live.run_id).max();
        let last_pass = passed.get(&(test.name.clone(), fingerprint.clone())).copied();
        if is_new || last_pass.is_none() || last_pass < newest_read {
            found.push(DueTest { name: test.name.clone(), fingerprint });
        }
    }
    found
}

fn fingerprint(project: &Project, test: &DataTest, published: &Context) -> String {
    let sql = project.compile_test(&test.name, published).unwrap_or_default();
    blake3::hash(format!("{sql}\n{:?}", test.severity).as_bytes()).to_hex()[..16].to_owned()
}

/// Asks the tests, at most `threads` at a time; returns those that forbid the publish.
pub async fn ask(
    run: &Arc<RunContext>,
    mut tests: Vec<DueTest>,
    threads: usize,
    halt: &Halt,
    progress: &Progress,
) -> Result<Vec<TestOutcome>> {
    tests.reverse();
    let mut running = JoinSet::new();
    let mut bad = Vec::new();
    loop {
        while running.len() < threads.max(1) && halt.reason().is_none() {
            let Some(test) = tests.pop() else { break };
            let (run, halt) = (run.clone(), halt.clone());
            running.spawn(async move {
                let outcome = one(&run.warehouse, &run.project, &run.context, &test.name, halt).await?;
                Ok::<_, Error>(TestOutcome { fingerprint: test.fingerprint, ..outcome })
            });
        }
        let Some(joined) = running.join_next().await else { break };
        let outcome = joined.map_err(|e| Error::failed("a test's task ended without a word").source(e))??;
        run.warehouse.record_test(run.run_id, &outcome).await?;
        progress.tell(Event::TestFinished(outcome.clone()));
        if outcome.state == "failed" || outcome.state == "errored" {
            bad.push(outcome);
        }
    }
    match halt.reason() {
        Some(reason) => Err(Error::interrupted(format!("the run was stopped: {reason}"))),
        None => Ok(bad),
    }
}

/// Asks one data test outside a run.
pub async fn ask_one(warehouse: &Warehouse, project: &Project, context: &Context, name: &str) -> Result<TestOutcome> {
    let (_brake, halt) = halt::channel();
    one(warehouse, project, context, name, halt).await
}

async fn one(
    warehouse: &Warehouse,
    project: &Project,
    context: &Context,
    name: &str,
    mut halt: Halt,
) -> Result<TestOutcome> {
    let began = Instant::now();
    let test =
        project.tests.get(name).ok_or_else(|| Error::config(format!("data test \"{name}\" is not in the project")))?;
    let counted = async {
        let select = project.compile_test(name, context)?;
        let _turn = warehouse.turn().await?;
        let client = warehouse.client().await?;
        let reason = {
            let counting = warehouse.count_failures(&client, name, &select);
            tokio::select! {
                counted = counting => return counted,
                reason = halt.cancelled() => reason,
            }
        };
        warehouse.cancel(client).await;
        Err(Error::interrupted(format!("data test \"{name}\" was stopped: {reason}")))
    };
    let counted = counted.await;
    let is_warning = test.severity == Severity::Warn;
    let (state, failure_count, error) = match counted {
        Ok(0) => ("passed", Some(0), None),
        Ok(n) if is_warning => ("warned", Some(n), None),
        Ok(n) => ("failed", Some(n), None),
        Err(e) if matches!(e.kind, Kind::Unreachable | Kind::Interrupted) => return Err(e),
        Err(e) => ("errored", None, Some(e.report())),
    };
    Ok(TestOutcome {
        test: name.to_owned(),
        model: test.model.clone(),
        severity: test.severity.as_str().into(),
        state: state.into(),
        failure_count,
        elapsed: began.elapsed(),
        error,
        fingerprint: String::new(),
    })
}
