//! `run_results.json`, version 6: what became of each node of a run.

use super::{Invocation, Schema, instant, python_instant};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

/// Schema of this artifact.
pub const SCHEMA: Schema = Schema { name: "run-results", version: 6 };

/// What became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Built.
    Success,
    /// Could not be built, or tested.
    Error,
    /// Something that it needs failed.
    Skipped,
    /// Some batches were built, some were not.
    PartialSuccess,
    /// The test found nothing, the source is fresh.
    Pass,
    /// The test found failures.
    Fail,
    /// The test found failures that only warn, the source is late.
    Warn,
    /// The age of a source could not be told.
    RuntimeError,
    /// There was nothing to do: exposures, saved queries.
    NoOp,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 9] = [
        Status::Success,
        Status::Error,
        Status::Skipped,
        Status::PartialSuccess,
        Status::Pass,
        Status::Fail,
        Status::Warn,
        Status::RuntimeError,
        Status::NoOp,
    ];

    /// dbt's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Error => "error",
            Status::Skipped => "skipped",
            Status::PartialSuccess => "partial success",
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Warn => "warn",
            Status::RuntimeError => "runtime error",
            Status::NoOp => "no-op",
        }
    }

    /// The status of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// One step of a node's execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
}

/// The two steps that dbt times; a node that failed early has not got them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Rendering.
    pub compile: Option<Span>,
    /// Running.
    pub execute: Option<Span>,
}

/// Batches of a microbatch model, each as its two ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchResults {
    /// Those that were built.
    pub successful: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Those that were not.
    pub failed: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What became of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeResult {
    /// `model.shop.orders`
    pub unique_id: String,
    /// What became of it.
    pub status: Status,
    /// When its steps began and ended.
    pub timing: Timing,
    /// Which worker ran it: `Thread-1 (worker)`.
    pub thread_id: String,
    /// From the beginning of the first step to the end of the last.
    pub execution_time_seconds: f64,
    /// What the server said: `{"_message": "SELECT 3", "code": "SELECT", "rows_affected": 3}`.
    pub adapter_response: Map<String, Json>,
    /// One line, or an error's text.
    pub message: Option<String>,
    /// Rows that a test found.
    pub failures: Option<i64>,
    /// Whether it was compiled; `None` for what has nothing to compile: seeds.
    pub compiled: Option<bool>,
    /// The statement.
    pub compiled_code: Option<String>,
    /// Quoted name of its relation.
    pub relation_name: Option<String>,
    /// Batches, of a microbatch model.
    pub batch_results: Option<BatchResults>,
}

/// What the command tag of a statement becomes in `adapter_response`; -1 where the server counts no rows.
#[must_use]
pub fn adapter_response(tag: &str) -> Map<String, Json> {
    let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
    let code: Vec<&str> = tag.split(' ').filter(|word| !is_number(word)).collect();
    let rows_affected = tag.split(' ').next_back().and_then(|word| word.parse::<i64>().ok()).unwrap_or(-1);
    let mut response = Map::new();
    response.insert("_message".to_owned(), json!(tag));
    response.insert("code".to_owned(), json!(code.join(" ")));
    response.insert("rows_affected".to_owned(), json!(rows_affected));
    response
}

/// The artifact; `args` are the flags of the command by name, as its help spells them with `_`.
#[must_use]
pub fn run_results(
    results: &[NodeResult],
    elapsed_seconds: f64,
    args: &Map<String, Json>,
    invocation: &Invocation,
) -> Json {
    json!({
        "metadata": invocation.metadata(SCHEMA),
        "results": results.iter().map(result).collect::<Vec<_>>(),
        "elapsed_time": elapsed_seconds,
        "args": args,
    })
}

fn result(result: &NodeResult) -> Json {
    let ends = |batches: &[(DateTime<Utc>, DateTime<Utc>)]| -> Json {
        batches.iter().map(|(from, to)| json!([python_instant(*from), python_instant(*to)])).collect()
    };
    let batches = result.batch_results.as_ref();
    json!({
        "status": result.status.as_str(),
        "timing": timing(&result.timing),
        "thread_id": result.thread_id,
        "execution_time": result.execution_time_seconds,
        "adapter_response": result.adapter_response,
        "message": result.message,
        "failures": result.failures,
        "unique_id": result.unique_id,
        "compiled": result.compiled,
        "compiled_code": result.compiled_code,
        "relation_name": result.relation_name,
        "batch_results": batches.map(|b| json!({"successful": ends(&b.successful), "failed": ends(&b.failed)})),
    })
}

/// The steps that there were, in order.
pub(super) fn timing(timing: &Timing) -> Json {
    let steps = [("compile", timing.compile), ("execute", timing.execute)];
    let one = |(name, span): (&str, Option<Span>)| {
        let span = span?;
        Some(json!({
            "name": name, "started_at": instant(span.started_at), "completed_at": instant(span.completed_at),
        }))
    };
    steps.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_command_tag_is_its_words() {
        let response = adapter_response("INSERT 0 5");
        assert_eq!(Json::Object(response), json!({"_message": "INSERT 0 5", "code": "INSERT", "rows_affected": 5}));
        let response = adapter_response("CREATE VIEW");
        assert_eq!(
            Json::Object(response),
            json!({"_message": "CREATE VIEW", "code": "CREATE VIEW", "rows_affected": -1})
        );
    }

    #[test]
    fn every_status_is_found_by_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_word("ok"), None);
    }
}
