//! One run with all that the ledger knows of it: its models, its tests and its publish.

use super::Warehouse;
use super::fault::fault;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct RunDetail {
    /// Its number.
    pub run_id: i64,
    /// `running`, `built`, `published`, `failed` or `interrupted`.
    pub state: String,
    /// Why it was made.
    pub trigger: String,
    /// Processes that worked on it.
    pub attempt: Option<i32>,
    /// Who made it.
    pub process: String,
    /// The instant its rows are true for.
    pub as_of: DateTime<Utc>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether readers see what it published.
    pub is_live: bool,
    /// Whether `quintile rollback --to` can show again what it published.
    pub is_rollback_target: bool,
    /// When a roll-back turned away from it.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Relations that it published anew; none once its publish is not kept any more.
    pub moved: Vec<String>,
    /// Relations whose earlier rows stayed, with the run that made them.
    pub carried: Vec<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Its models and seeds.
    pub models: Vec<ModelDetail>,
    /// Its data tests.
    pub tests: Vec<TestDetail>,
}

/// A model or seed of a run.
#[derive(Clone, Debug, Serialize)]
pub struct ModelDetail {
    /// Its name.
    pub model: String,
    /// `view`, `table`, `seed`, `cluster` or `ltv`.
    pub materialization: String,
    /// `built`, `failed`, `skipped` and so on.
    pub state: String,
    /// Rows of its table.
    pub rows: Option<i64>,
    /// Bytes of its table and indexes.
    pub bytes: Option<i64>,
    /// Time it took.
    pub elapsed_ms: Option<i64>,
    /// Which attempt at the run made it.
    pub attempt: Option<i32>,
    /// Why it failed or was left out.
    pub error: Option<String>,
}

/// A data test of a run.
#[derive(Clone, Debug, Serialize)]
pub struct TestDetail {
    /// Its name.
    pub test: String,
    /// Model it is about.
    pub model: String,
    /// `error` or `warn`.
    pub severity: String,
    /// `passed`, `warned`, `failed` or `errored`.
    pub state: String,
    /// Rows that broke the rule.
    pub failure_count: Option<i64>,
    /// Time it took; a share of it, where several tests were asked in one statement.
    pub elapsed_ms: Option<i64>,
    /// The server's words, if the test itself did not work.
    pub error: Option<String>,
}

impl Warehouse {
    /// The run of this number; an error if the workspace has none.
    pub async fn run_detail(&self, run_id: i64) -> Result<RunDetail> {
        let doing = "run cannot be read";
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let look = client.snapshot().await.map_err(|e| fault(doing, &e))?;
        let run = look
            .query_opt(include_str!("sql/find_run.sql"), &[workspace, &run_id])
            .await
            .map_err(|e| fault(doing, &e))?
            .ok_or_else(|| {
                Error::usage(format!("workspace \"{workspace}\" has no run {run_id}")).hint("quintile runs lists them")
            })?;
        let models =
            look.query(include_str!("sql/list_run_models.sql"), &[&run_id]).await.map_err(|e| fault(doing, &e))?;
        let tests =
            look.query(include_str!("sql/list_run_tests.sql"), &[&run_id]).await.map_err(|e| fault(doing, &e))?;
        look.commit().await.map_err(|e| fault(doing, &e))?;
        Ok(RunDetail {
            run_id: run.get("run_id"),
            state: run.get("state"),
            trigger: run.get("trigger"),
            attempt: run.get("attempt"),
            process: run.get("process"),
            as_of: run.get("as_of"),
            started_at: run.get("started_at"),
            finished_at: run.get("finished_at"),
            published_at: run.get("published_at"),
            is_live: run.get("is_live"),
            is_rollback_target: run.get("is_rollback_target"),
            withdrawn_at: run.get("withdrawn_at"),
            moved: run.get("moved"),
            carried: run.get("carried"),
            error: run.get("error"),
            models: models
                .iter()
                .map(|row| ModelDetail {
                    model: row.get("model"),
                    materialization: row.get("materialization"),
                    state: row.get("state"),
                    rows: row.get("row_count"),
                    bytes: row.get("byte_count"),
                    elapsed_ms: row.get("elapsed_ms"),
                    attempt: row.get("attempt"),
                    error: row.get("error"),
                })
                .collect(),
            tests: tests
                .iter()
                .map(|row| TestDetail {
                    test: row.get("test"),
                    model: row.get("model"),
                    severity: row.get("severity"),
                    state: row.get("state"),
                    failure_count: row.get("failure_count"),
                    elapsed_ms: row.get("elapsed_ms"),
                    error: row.get("error"),
                })
                .collect(),
        })
    }
}
