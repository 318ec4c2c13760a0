//! What came of each node, for the terminal, for `run_results.json` and for the ledger.

use crate::error::Error;
use crate::project::manifest::view::Cte;
use chrono::{DateTime, Utc};
use std::time::Duration;

pub use crate::project::artifact::run_results::{BatchResults, Status};

/// What came of one node.
#[derive(Clone, Debug)]
pub struct NodeResult {
    /// Its id.
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// One line: `CREATE VIEW`, `SELECT 100`, `unchanged`, or the whole story of a failure.
    pub message: String,
    /// What the server said, in the words that dbt has for it also where nothing had to be done: `SELECT 100`.
    pub tag: Option<String>,
    /// Rows that break a data test.
    pub failures: Option<i64>,
    /// Rows that were written.
    pub rows: Option<u64>,
    /// When rendering began and ended.
    pub compiled_at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When it began and ended.
    pub executed_at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Time it took.
    pub elapsed: Duration,
    /// SQL as it was sent, if it came so far.
    pub compiled: Option<String>,
    /// Ephemeral models in that SQL.
    pub ctes: Vec<Cte>,
    /// Relation, quoted.
    pub relation: Option<String>,
    /// Which of the workers did it.
    pub worker: usize,
    /// Batches of a microbatch model.
    pub batches: Option<BatchResults>,
}

/// Whether what waits for the node may go on.
#[must_use]
pub fn is_good(status: Status) -> bool {
    matches!(status, Status::Success | Status::Pass | Status::Warn | Status::NoOp)
}

impl NodeResult {
    /// A node that was left out.
    #[must_use]
    pub fn skipped(id: &str, why: &str) -> NodeResult {
        NodeResult { status: Status::Skipped, message: why.to_owned(), ..NodeResult::blank(id) }
    }

    /// A node that failed.
    #[must_use]
    pub fn failed(id: &str, error: &Error) -> NodeResult {
        NodeResult { status: Status::Error, message: error.report(), ..NodeResult::blank(id) }
    }

    /// A node of which nothing is known yet.
    #[must_use]
    pub fn blank(id: &str) -> NodeResult {
        NodeResult {
            id: id.to_owned(),
            status: Status::Success,
            message: String::new(),
            tag: None,
            failures: None,
            rows: None,
            compiled_at: None,
            executed_at: None,
            elapsed: Duration::ZERO,
            compiled: None,
            ctes: Vec::new(),
            relation: None,
            worker: 0,
            batches: None,
        }
    }
}
