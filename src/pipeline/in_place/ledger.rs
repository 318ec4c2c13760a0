//! A run with its entry in the ledger of invocations: what it set out to do before it begins, what came of it at its end.

use super::{DbtLayout, Deferred, NodeResult, Options, Progress, Report};
use crate::error::Result;
use crate::warehouse::Warehouse;
use crate::warehouse::invocations::{NewInvocation, NodeOutcome};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use tokio::sync::watch;

/// What stands in the ledger in the place of a secret.
pub const HIDDEN: &str = "*****";

/// Prefix of environment variables whose values are secrets, by dbt's convention.
const SECRET_PREFIX: &str = "DBT_ENV_SECRET";

/// Words in the name of a variable whose value nobody writes down.
const SECRET_WORDS: [&str; 5] = ["password", "secret", "token", "api_key", "private_key"];

/// What a run is to do, and what the ledger keeps of it.
#[derive(Debug, Default)]
pub struct Task {
    /// Ids of the nodes to run.
    pub selected: BTreeSet<String>,
    /// How they are run.
    pub options: Options,
    /// The state that is deferred to.
    pub deferred: Deferred,
    /// Options to run it again with.
    pub arguments: Json,
    /// Host and process id, for the people who look.
    pub process: String,
}

/// Runs the selected nodes and keeps a record of it in the database.
///
/// The run is what matters: a record that cannot be written is a warning.
pub async fn recorded(
    warehouse: &Warehouse,
    project: &DbtLayout,
    task: Task,
    progress: &Progress,
    stop: watch::Receiver<bool>,
) -> Result<Report> {
    let Task { selected, options, deferred, arguments, process } = task;
    let id = &project.world.invocation_id;
    let secrets = secrets(project);
    let new = NewInvocation {
        id: id.clone(),
        project: project.project.name.clone(),
        target_schema: project.world.target.schema.clone(),
        command: project.world.flags.which.clone(),
        arguments: scrubbed(&arguments, &secrets),
        selected: selected.iter().cloned().collect(),
        process,
    };
    let begun = warehouse.start_invocation(&new).await;
    if let Err(e) = &begun {
        tracing::warn!(error = %e, "run is not recorded: quintile retry will not know of it");
    }
    let report = super::run(warehouse, project, &selected, options, deferred, progress, stop).await;
    if begun.is_ok() {
        let (state, error, outcomes) = match &report {
            Ok(report) if report.was_stopped => ("interrupted", None, outcomes(report, &secrets)),
            Ok(report) => (if report.is_good() { "success" } else { "error" }, None, outcomes(report, &secrets)),
            Err(e) => ("error", Some(without(&e.message, &secrets)), Vec::new()),
        };
        if let Err(e) = warehouse.finish_invocation(id, state, error.as_deref(), &outcomes).await {
            tracing::warn!(error = %e, "end of the run is not recorded");
        }
    }
    report
}

fn outcomes(report: &Report, secrets: &[String]) -> Vec<NodeOutcome> {
    let outcome = |result: &NodeResult| NodeOutcome {
        unique_id: result.id.clone(),
        status: result.status.as_str().to_owned(),
        // PostgreSQL's text holds no NUL.
        message: without(&result.message, secrets).replace('\0', ""),
        failure_count: result.failures,
        row_count: result.rows.and_then(|rows| i64::try_from(rows).ok()),
        elapsed_seconds: result.elapsed.as_secs_f64(),
        relation: result.relation.clone(),
    };
    report.results.iter().map(outcome).collect()
}

/// Values of the environment that must not be written anywhere; the longest first, so that none is left in part.
fn secrets(project: &DbtLayout) -> Vec<String> {
    let named = project.world.env.iter().filter(|(name, _)| name.starts_with(SECRET_PREFIX));
    let mut values: Vec<String> = named.map(|(_, value)| value.clone()).filter(|value| !value.is_empty()).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

fn without(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

/// The value with everything hidden that is, or by its name may be, a secret.
fn scrubbed(value: &Json, secrets: &[String]) -> Json {
    match value {
        Json::String(text) => without(text, secrets).into(),
        Json::Array(items) => items.iter().map(|item| scrubbed(item, secrets)).collect(),
        Json::Object(map) => {
            let one = |(key, value): (&String, &Json)| {
                let name = key.to_lowercase();
                let is_secret = SECRET_WORDS.iter().any(|word| name.contains(word)) && !value.is_null();
                (key.clone(), if is_secret { HIDDEN.into() } else { scrubbed(value, secrets) })
            };
            Json::Object(map.iter().map(one).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_hidden_by_name_and_by_value() {
        let written = json!({"vars": {"db_password": "p", "note": "x hunter2 y", "days": 3}, "threads": 4});
        let secrets = vec!["hunter2".to_owned()];
        assert_eq!(
            scrubbed(&written, &secrets),
            json!({"vars": {"db_password": HIDDEN, "note": "x ***** y", "days": 3}, "threads": 4})
        );
    }
}
