//! Invocations: one row a command that ran nodes of a dbt project, with what came of each node.

use super::Warehouse;
use super::connect::Parameter;
use super::fault::fault;
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::collections::BTreeMap;

const LEDGER: &str = "ledger of invocations cannot be written";
const READ: &str = "ledger of invocations cannot be read";

/// A command that is about to run nodes.
#[derive(Clone, Debug)]
pub struct NewInvocation {
    /// UUID.
    pub id: String,
    /// Name of the project.
    pub project: String,
    /// Schema of the target.
    pub target_schema: String,
    /// `build`, `run`, `test`, `seed`, `snapshot`.
    pub command: String,
    /// Options to run it again with.
    pub arguments: Json,
    /// Ids of the nodes that it sets out to run.
    pub selected: Vec<String>,
    /// Host and process id, for the people who look.
    pub process: String,
}

/// What came of one node.
#[derive(Clone, Debug)]
pub struct NodeOutcome {
    /// `model.shop.orders`
    pub unique_id: String,
    /// `success`, `error`, `skipped`, ...
    pub status: String,
    /// One line, or the story of a failure.
    pub message: String,
    /// Rows that break a data test.
    pub failure_count: Option<i64>,
    /// Rows that were written.
    pub row_count: Option<i64>,
    /// Time it took.
    pub elapsed_seconds: f64,
    /// Relation, quoted.
    pub relation: Option<String>,
}

/// The invocation that `retry` goes on with.
#[derive(Clone, Debug)]
pub struct PastInvocation {
    /// UUID.
    pub id: String,
    /// Its command.
    pub command: String,
    /// Its options.
    pub arguments: Json,
    /// What it set out to run.
    pub selected: Vec<String>,
    /// `running` where it never told its end.
    pub state: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Status of each node that came to an end.
    pub statuses: BTreeMap<String, String>,
}

/// A line of the list of invocations.
#[derive(Clone, Debug, serde::Serialize)]
pub struct InvocationSummary {
    /// UUID.
    pub invocation_id: String,
    /// Its command.
    pub command: String,
    /// Schema of the target.
    pub target_schema: String,
    /// `running`, `success`, `error` or `interrupted`.
    pub state: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it broke off, unless that is the story of single nodes.
    pub error: Option<String>,
    /// Nodes that it set out to run.
    pub selected: i32,
    /// Nodes that ended well.
    pub good: i64,
    /// Nodes that failed.
    pub failed: i64,
    /// Nodes that were left out because of those.
    pub skipped: i64,
}

/// How a source stood when a job that waits for news looked at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Its newest row, where it can tell.
    pub max_loaded_at: Option<DateTime<Utc>>,
    /// A text that changes with its rows and columns, where there is one.
    pub version: Option<String>,
}

impl Warehouse {
    /// Notes that a command begins.
    pub async fn start_invocation(&self, new: &NewInvocation) -> Result<()> {
        let client = self.client().await?;
        let values: [&dyn Parameter; 7] =
            [&new.id, &new.project, &new.target_schema, &new.command, &new.arguments, &new.selected, &new.process];
        client
            .execute(include_str!("sql/invocation_start.sql"), &values)
            .await
            .map(|_| ())
            .map_err(|e| fault(LEDGER, &e))
    }

    /// Notes how it ended, and what came of every node, in one statement.
    pub async fn finish_invocation(
        &self,
        id: &str,
        state: &str,
        error: Option<&str>,
        outcomes: &[NodeOutcome],
    ) -> Result<()> {
        let ids: Vec<&str> = outcomes.iter().map(|one| one.unique_id.as_str()).collect();
        let statuses: Vec<&str> = outcomes.iter().map(|one| one.status.as_str()).collect();
        let messages: Vec<&str> = outcomes.iter().map(|one| one.message.as_str()).collect();
        let failures: Vec<Option<i64>> = outcomes.iter().map(|one| one.failure_count).collect();
        let rows: Vec<Option<i64>> = outcomes.iter().map(|one| one.row_count).collect();
        let elapsed: Vec<f64> = outcomes.iter().map(|one| one.elapsed_seconds).collect();
        let relations: Vec<Option<&str>> = outcomes.iter().map(|one| one.relation.as_deref()).collect();
        let client = self.client().await?;
        let values: [&dyn Parameter; 10] =
            [&id, &state, &error, &ids, &statuses, &messages, &failures, &rows, &elapsed, &relations];
        client
            .execute(include_str!("sql/invocation_finish.sql"), &values)
            .await
            .map(|_| ())
            .map_err(|e| fault(LEDGER, &e))
    }

    /// The newest invocation of a project in a target's schema.
    pub async fn last_invocation(&self, project: &str, target_schema: &str) -> Result<Option<PastInvocation>> {
        let client = self.client().await?;
        let row = client
            .query_opt(include_str!("sql/invocation_last.sql"), &[&project, &target_schema])
            .await
            .map_err(|e| fault(READ, &e))?;
        Ok(row.map(|row| {
            let (ids, statuses): (Vec<String>, Vec<String>) = (row.get("unique_ids"), row.get("statuses"));
            PastInvocation {
                id: row.get("invocation_id"),
                command: row.get("command"),
                arguments: row.get("arguments"),
                selected: row.get("selected"),
                state: row.get("state"),
                started_at: row.get("started_at"),
                statuses: ids.into_iter().zip(statuses).collect(),
            }
        }))
    }

    /// The newest invocations of a project first.
    pub async fn invocations(&self, project: &str, limit: i64) -> Result<Vec<InvocationSummary>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/invocation_list.sql"), &[&project, &limit])
            .await
            .map_err(|e| fault(READ, &e))?;
        Ok(rows
            .iter()
            .map(|row| InvocationSummary {
                invocation_id: row.get("invocation_id"),
                command: row.get("command"),
                target_schema: row.get("target_schema"),
                state: row.get("state"),
                started_at: row.get("started_at"),
                finished_at: row.get("finished_at"),
                error: row.get("error"),
                selected: row.get("selected"),
                good: row.get("good"),
                failed: row.get("failed"),
                skipped: row.get("skipped"),
            })
            .collect())
    }

    /// How new each source was when a job last ended well.
    pub async fn job_sources(&self, workspace: &str, job: &str) -> Result<BTreeMap<String, SourceState>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/job_sources_read.sql"), &[&workspace, &job])
            .await
            .map_err(|e| fault("sources of a job cannot be read", &e))?;
        let state = |row: &tokio_postgres::Row| SourceState {
            max_loaded_at: row.get("max_loaded_at"),
            version: row.get("version"),
        };
        Ok(rows.iter().map(|row| (row.get("source"), state(row))).collect())
    }

    /// Notes how each source stood for a job that ended well.
    pub async fn record_job_sources(
        &self,
        workspace: &str,
        job: &str,
        states: &BTreeMap<String, SourceState>,
    ) -> Result<()> {
        let names: Vec<&str> = states.keys().map(String::as_str).collect();
        let instants: Vec<Option<DateTime<Utc>>> = states.values().map(|state| state.max_loaded_at).collect();
        let versions: Vec<Option<&str>> = states.values().map(|state| state.version.as_deref()).collect();
        let client = self.client().await?;
        client
            .execute(include_str!("sql/job_sources_record.sql"), &[&workspace, &job, &names, &instants, &versions])
            .await
            .map(|_| ())
            .map_err(|e| fault("sources of a job cannot be recorded", &e))
    }
}
