//! The data tests of a run: which must be asked, and asking them.

use super::carry::Decision;
use super::halt::{self, Halt};
use super::plan::Plan;
use super::refresh;
use super::step::RunContext;
use super::test_answers::Asker;
use super::{Event, Progress};
use crate::error::{Error, Result};
use crate::project::{Context, DataTest, Project};
use crate::warehouse::run_models::TestOutcome;
use crate::warehouse::runs::Live;
use chrono::DateTime;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A data test that is to be asked, and the hash of its SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTest {
    /// Its name.
    pub name: String,
    /// Hash of its SQL over published relations.
    pub fingerprint: String,
    /// The newest run in which it passed in this form.
    pub last_pass: Option<i64>,
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
            found.push(DueTest { name: test.name.clone(), fingerprint, last_pass });
        }
    }
    found
}

fn fingerprint(project: &Project, test: &DataTest, published: &Context) -> String {
    let mut sql = project.compile_test(&test.name, published).unwrap_or_default();
    if refresh::is_line_by_line(project, &test.model) {
        // Old lines need not be looked at again while the view makes the same rows of them.
        let timeless = Context { as_of: DateTime::UNIX_EPOCH.to_rfc3339(), ..published.clone() };
        sql.push_str(&project.compile(&test.model, &timeless).unwrap_or_default());
    }
    blake3::hash(format!("{sql}\n{:?}", test.severity).as_bytes()).to_hex()[..16].to_owned()
}

/// Asks the tests, at most `threads` questions at a time; returns those that forbid the publish, by name.
///
/// What holds for each row of a view of order lines or of a history, and held for those that the run before saw, is asked of the others.
pub async fn ask(
    run: &Arc<RunContext>,
    tests: Vec<DueTest>,
    threads: usize,
    halt: &Halt,
    progress: &Progress,
) -> Result<Vec<TestOutcome>> {
    let (mut of_news, mut of_all) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    let news = refresh::news(run).await?;
    for test in &tests {
        let told = run.project.tests.get(&test.name).and_then(|of| news.get(&of.model).map(|news| (&of.model, news)));
        match told {
            Some((model, news))
                if test.last_pass >= Some(news.since) && run.project.asks_each_row(&test.name, &run.context) =>
            {
                of_news.entry(model.clone()).or_default().push(test.name.clone());
            }
            _ => of_all.push(test.name.clone()),
        }
    }
    let fingerprints: BTreeMap<String, String> = tests.into_iter().map(|test| (test.name, test.fingerprint)).collect();
    let mut narrowed = run.context.clone();
    narrowed.relations.extend(news.into_iter().map(|(model, news)| (model, news.relation)));
    let (whole, narrowed) = (Arc::new(run.context.clone()), Arc::new(narrowed));
    let mut questions = Vec::new();
    for (context, names) in [(&whole, of_all), (&narrowed, of_news.into_values().flatten().collect())] {
        let found = asker(run, context).questions(&names).await?;
        questions.extend(found.into_iter().map(|question| (context.clone(), question)));
    }
    questions.reverse();
    let mut running = JoinSet::new();
    let mut bad = Vec::new();
    loop {
        while running.len() < threads.max(1) && halt.reason().is_none() {
            let Some((context, question)) = questions.pop() else { break };
            let (run, halt) = (run.clone(), halt.clone());
            running.spawn(async move { asker(&run, &context).answer(&question, &halt).await });
        }
        let Some(joined) = running.join_next().await else { break };
        let outcomes = joined.map_err(|e| Error::failed("a test's task ended without a word").source(e))??;
        for mut outcome in outcomes {
            outcome.fingerprint = fingerprints.get(&outcome.test).cloned().unwrap_or_default();
            run.warehouse.record_test(run.run_id, &outcome).await?;
            progress.tell(Event::TestFinished(outcome.clone()));
            if outcome.state == "failed" || outcome.state == "errored" {
                bad.push(outcome);
            }
        }
    }
    bad.sort_by(|a, b| a.test.cmp(&b.test));
    match halt.reason() {
        Some(reason) => Err(Error::interrupted(format!("the run was stopped: {reason}"))),
        None => Ok(bad),
    }
}

fn asker<'a>(run: &'a RunContext, context: &'a Context) -> Asker<'a> {
    Asker { warehouse: &run.warehouse, project: &run.project, context }
}

/// Asks data tests outside a run, one question after the other; the outcomes in the order of the tests.
pub async fn ask_published(asker: &Asker<'_>, tests: &[String], progress: &Progress) -> Result<Vec<TestOutcome>> {
    let (_brake, halt) = halt::channel();
    let mut outcomes = BTreeMap::new();
    for question in asker.questions(tests).await? {
        for outcome in asker.answer(&question, &halt).await? {
            progress.tell(Event::TestFinished(outcome.clone()));
            outcomes.insert(outcome.test.clone(), outcome);
        }
    }
    Ok(tests.iter().filter_map(|test| outcomes.remove(test)).collect())
}
