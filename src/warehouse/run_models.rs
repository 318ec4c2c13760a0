//! The ledger of a run's models and data tests: what was built, carried, left out, and which tests passed.

use super::Warehouse;
use super::fault::fault;
use super::materialize::StoredTable;
use crate::error::Result;
use std::collections::BTreeMap;
use std::time::Duration;

/// How a model of a run ended.
#[derive(Clone, Debug, Default)]
pub struct ModelOutcome {
    /// `built` or `failed`.
    pub state: String,
    /// Partitioned parent in the store, for tables.
    pub parent_relation: Option<String>,
    /// Rows in the table; none for views.
    pub row_count: Option<i64>,
    /// Bytes of the table and its indexes.
    pub byte_count: Option<i64>,
    /// Time it took.
    pub elapsed: Duration,
    /// What it reads besides refs and declared sources.
    pub hidden_reads: Vec<String>,
    /// How many keys were made anew where it was refreshed.
    pub changed_keys: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A model that an earlier attempt at the same run has finished.
#[derive(Clone, Debug)]
pub struct BuiltModel {
    /// Name of the model.
    pub model: String,
    /// Hash of what its rows were made from.
    pub inputs: String,
    /// Its table; none for views.
    pub table: Option<StoredTable>,
    /// Whether the table is a partition already, which no reader sees yet.
    pub is_attached: bool,
}

/// How a data test of a run ended.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TestOutcome {
    /// Name of the test.
    pub test: String,
    /// Model it is about.
    pub model: String,
    /// `error` or `warn`.
    pub severity: String,
    /// `passed`, `warned`, `failed` or `errored`.
    pub state: String,
    /// Rows that broke the rule.
    pub failure_count: Option<i64>,
    /// Time it took; an equal share of the statement that it was asked in with others, none where an index answered.
    pub elapsed: Duration,
    /// The server's words, if the test itself did not work.
    pub error: Option<String>,
    /// Hash of its SQL.
    #[serde(skip)]
    pub fingerprint: String,
}

/// What the ledger keeps of a model whose build begins.
#[derive(Clone, Debug)]
pub struct NewModel<'a> {
    /// Its name.
    pub model: &'a str,
    /// Its materialization.
    pub kind: &'a str,
    /// The run's own table or view.
    pub relation: &'a str,
    /// See `Project::fingerprint`.
    pub fingerprint: &'a str,
    /// Hash of what its rows are made from.
    pub inputs: &'a str,
    /// Hash of how they are made, of models that can be refreshed.
    pub recipe: Option<&'a str>,
}

impl Warehouse {
    /// Notes that a model's build begins, for the first time or again.
    pub async fn start_model(&self, run_id: i64, new: &NewModel<'_>) -> Result<()> {
        self.ledger(
            include_str!("sql/start_model.sql"),
            &[&run_id, &new.model, &new.kind, &new.relation, &new.fingerprint, &new.inputs, &new.recipe],
        )
        .await
    }

    /// Notes how a model's build ended.
    pub async fn finish_model(&self, run_id: i64, model: &str, outcome: &ModelOutcome) -> Result<()> {
        let elapsed_ms = milliseconds(outcome.elapsed);
        self.ledger(
            include_str!("sql/finish_model.sql"),
            &[
                &run_id,
                &model,
                &outcome.state,
                &outcome.parent_relation,
                &outcome.row_count,
                &outcome.byte_count,
                &elapsed_ms,
                &outcome.error,
                &outcome.hidden_reads,
                &outcome.changed_keys,
            ],
        )
        .await
    }

    /// Notes that a model was left out, and why.
    pub async fn skip_model(
        &self,
        run_id: i64,
        model: &str,
        kind: &str,
        fingerprint: &str,
        reason: &str,
    ) -> Result<()> {
        self.ledger(include_str!("sql/skip_model.sql"), &[&run_id, &model, &kind, &fingerprint, &reason]).await
    }

    /// Notes that the rows of an earlier run stay published, because nothing has changed since.
    pub async fn carry_model(&self, run_id: i64, model: &str, from: i64) -> Result<()> {
        self.ledger(include_str!("sql/carry_model.sql"), &[&run_id, &model, &from]).await
    }

    /// The models that earlier attempts at the run have finished and that are still there.
    pub async fn built_models(&self, run_id: i64) -> Result<Vec<BuiltModel>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/list_built_models.sql"), &[&run_id, &self.schemas.store])
            .await
            .map_err(|e| fault("run ledger cannot be read", &e))?;
        Ok(rows
            .iter()
            .map(|row| BuiltModel {
                model: row.get("model"),
                inputs: row.get("inputs"),
                table: row.get::<_, Option<String>>("parent_relation").map(|parent| StoredTable {
                    parent,
                    row_count: row.get::<_, Option<i64>>("row_count").unwrap_or_default(),
                    byte_count: row.get::<_, Option<i64>>("byte_count").unwrap_or_default(),
                }),
                is_attached: row.get("is_attached"),
            })
            .collect())
    }

    /// Notes how a data test ended.
    pub async fn record_test(&self, run_id: i64, test: &TestOutcome) -> Result<()> {
        let elapsed_ms = milliseconds(test.elapsed);
        self.ledger(
            include_str!("sql/record_test.sql"),
            &[
                &run_id,
                &test.test,
                &test.model,
                &test.severity,
                &test.state,
                &test.failure_count,
                &elapsed_ms,
                &test.error,
                &test.fingerprint,
            ],
        )
        .await
    }

    /// The newest run in which each data test passed, by its name and the hash of its SQL.
    pub async fn passed_tests(&self) -> Result<BTreeMap<(String, String), i64>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/list_passed_tests.sql"), &[&self.schemas.workspace])
            .await
            .map_err(|e| fault("run ledger cannot be read", &e))?;
        Ok(rows.iter().map(|row| ((row.get("test"), row.get("fingerprint")), row.get("run_id"))).collect())
    }
}

fn milliseconds(elapsed: Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
