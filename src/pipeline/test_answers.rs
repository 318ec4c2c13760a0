//! How data tests get their answers: alone, in one scan with others of their relation, or from an index.

use super::halt::Halt;
use crate::error::{Error, Kind, Result};
use crate::project::{Context, Project, Severity, Tally};
use crate::warehouse::Warehouse;
use crate::warehouse::connect::Client;
use crate::warehouse::run_models::TestOutcome;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Where data tests are asked.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The database.
    pub warehouse: &'a Warehouse,
    /// The project of the tests.
    pub project: &'a Project,
    /// The relations that they are about.
    pub context: &'a Context,
}

/// What the server is asked at once.
#[derive(Clone, Debug)]
pub enum Question {
    /// One data test.
    Alone(String),
    /// Several of one relation.
    Together(Tally),
    /// Nothing: an index lets no row break the test.
    Proven(String),
}

/// How one data test ended, before anybody has judged it.
struct Answer {
    test: String,
    counted: Result<i64>,
    elapsed: Duration,
}

impl Asker<'_> {
    /// The questions that answer these tests, each once; those that scan for several tests come first.
    pub async fn questions(&self, tests: &[String]) -> Result<Vec<Question>> {
        let proven = self.proven(tests).await?;
        let open = tests.iter().filter(|test| !proven.contains(*test)).map(String::as_str);
        let tallies = self.project.tallies(open, self.context);
        let shared: BTreeSet<String> = tallies.iter().flat_map(|tally| tally.tests.iter().cloned()).collect();
        let alone = tests.iter().filter(|test| !shared.contains(*test)).map(|test| match proven.contains(test) {
            true => Question::Proven(test.clone()),
            false => Question::Alone(test.clone()),
        });
        let alone: Vec<Question> = alone.collect();
        Ok(tallies.into_iter().map(Question::Together).chain(alone).collect())
    }

    /// The tests of `unique` that an index of their table has proven while it was made.
    async fn proven(&self, tests: &[String]) -> Result<BTreeSet<String>> {
        let candidates = tests.iter().filter_map(|name| {
            let test = self.project.tests.get(name).filter(|test| test.kind == "unique" && test.filter.is_none())?;
            let relation = self.context.relations.get(&test.model)?;
            let is_stored = relation.schema == self.warehouse.schemas.store;
            is_stored.then_some((name, (relation.identifier.clone(), test.column.clone()?)))
        });
        let candidates: Vec<(&String, (String, String))> = candidates.collect();
        let tables: BTreeSet<String> = candidates.iter().map(|(_, (table, _))| table.clone()).collect();
        let unique = self.warehouse.unique_columns(&tables.into_iter().collect::<Vec<_>>()).await?;
        Ok(candidates.into_iter().filter(|(_, place)| unique.contains(place)).map(|(name, _)| name.clone()).collect())
    }

    /// Asks, and judges what comes back: an outcome for each test of the question.
    pub async fn answer(&self, question: &Question, halt: &Halt) -> Result<Vec<TestOutcome>> {
        let answers = match question {
            Question::Alone(test) => vec![self.ask_alone(test, halt).await],
            Question::Together(tally) => self.ask_together(tally, halt).await?,
            Question::Proven(test) => {
                vec![Answer { test: test.clone(), counted: Ok(0), elapsed: Duration::ZERO }]
            }
        };
        answers.into_iter().map(|answer| self.judge(answer)).collect()
    }

    /// One scan for all; a test that some row may break, and all of them if the scan fails, are then asked alone, so
    /// that counts and errors are those of the test's own SELECT.
    async fn ask_together(&self, tally: &Tally, halt: &Halt) -> Result<Vec<Answer>> {
        let began = Instant::now();
        let doing = format!("data tests of \"{}\" were", tally.model);
        let asked =
            self.stoppable(&doing, halt, async |client| self.warehouse.count_together(client, tally).await).await;
        let share = began.elapsed() / u32::try_from(tally.tests.len()).unwrap_or(u32::MAX);
        let counts: Vec<Option<i64>> = match asked {
            Ok(counts) => counts.into_iter().map(Some).collect(),
            Err(e) if ends_the_run(&e) => return Err(e),
            Err(e) => {
                tracing::debug!(model = tally.model, reason = %e, "data tests cannot share a scan and are asked one by one");
                vec![None; tally.tests.len()]
            }
        };
        let mut answers = Vec::new();
        for (test, count) in tally.tests.iter().zip(counts) {
            answers.push(match count {
                Some(0) => Answer { test: test.clone(), counted: Ok(0), elapsed: share },
                _ => {
                    let own = self.ask_alone(test, halt).await;
                    Answer { elapsed: own.elapsed + share, ..own }
                }
            });
        }
        Ok(answers)
    }

    async fn ask_alone(&self, test: &str, halt: &Halt) -> Answer {
        let began = Instant::now();
        let counted = async {
            let select = self.project.compile_test(test, self.context)?;
            let doing = format!("data test \"{test}\" was");
            self.stoppable(&doing, halt, async |client| self.warehouse.count_failures(client, test, &select).await)
                .await
        };
        Answer { test: test.to_owned(), counted: counted.await, elapsed: began.elapsed() }
    }

    /// Does one piece of long work on a connection; a halt cancels it on the server. `doing` begins what is told then.
    async fn stoppable<T>(&self, doing: &str, halt: &Halt, work: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
        let _turn = self.warehouse.turn().await?;
        let client = self.warehouse.client().await?;
        let mut halt = halt.clone();
        let reason = tokio::select! {
            done = work(&client) => return done,
            reason = halt.cancelled() => reason,
        };
        self.warehouse.cancel(client).await;
        Err(Error::interrupted(format!("{doing} stopped: {reason}")))
    }

    fn judge(&self, answer: Answer) -> Result<TestOutcome> {
        let Answer { test: name, counted, elapsed } = answer;
        let test = self.project.tests.get(&name);
        let test = test.ok_or_else(|| Error::config(format!("data test \"{name}\" is not in the project")))?;
        let is_warning = test.severity == Severity::Warn;
        let (state, failure_count, error) = match counted {
            Ok(0) => ("passed", Some(0), None),
            Ok(n) if is_warning => ("warned", Some(n), None),
            Ok(n) => ("failed", Some(n), None),
            Err(e) if ends_the_run(&e) => return Err(e),
            Err(e) => ("errored", None, Some(e.report())),
        };
        Ok(TestOutcome {
            test: name,
            model: test.model.clone(),
            severity: test.severity.as_str().into(),
            state: state.into(),
            failure_count,
            elapsed,
            error,
            fingerprint: String::new(),
        })
    }
}

/// Whether it says nothing about the test.
fn ends_the_run(error: &Error) -> bool {
    matches!(error.kind, Kind::Unreachable | Kind::Interrupted)
}
