//! Projects with a `dbt_project.yml`: every relation where the project puts it, in dbt's order and with dbt's words.

mod artifacts;
mod check;
mod commands;
mod defer;
mod finish;
mod freshness;
mod hooks;
mod incremental;
mod ledger;
mod load;
mod locate;
mod model;
mod project;
mod queue;
mod report;
mod results;
mod retry;
mod run;
mod seed;
pub mod select;
mod snapshot;
mod spec;
mod step;
mod test;
mod unit_test;

pub use artifacts::compiled_path;
pub use artifacts::{write_artifacts, write_manifest};
pub use check::check;
pub use commands::{
    answer_json, census, compile, compile_inline, docs, name_of, operation, show_inline, show_node, shown,
};
pub use defer::Deferred;
pub use freshness::{Looked, freshness, newest_rows, write_sources};
pub use incremental::instant;
pub use ledger::{Task, recorded};
pub use load::is_dbt_project;
pub use model::MATERIALIZATIONS;
pub use project::{DbtLayout, Request, packages, project_file, read};
pub use report::{NodeResult, Status, is_good};
pub use retry::{Rest, rest};
pub use run::{Report, Run, counts, run};

use crate::project::context::Level;
use crate::project::manifest::{Manifest, Node, Resource};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What a run is asked to do, besides which nodes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Nodes built at a time.
    pub threads: usize,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Make incremental models and seeds anew.
    pub full_refresh: bool,
    /// Keep the rows that break data tests.
    pub store_failures: bool,
    /// Whether a node waits for the tests of what it reads (`build`).
    pub tests_before_children: bool,
    /// Whether `on-run-start` and `on-run-end` are part of it.
    pub runs_project_hooks: bool,
    /// First instant of the batches to build, if it is given.
    pub event_time_start: Option<chrono::NaiveDateTime>,
    /// End of the batches to build, if it is given.
    pub event_time_end: Option<chrono::NaiveDateTime>,
    /// Rows of this stretch of time only are read, where what is read has an `event_time`.
    pub sample: Option<crate::project::manifest::TimeWindow>,
    /// Schemas that are there already.
    pub known_schemas: BTreeSet<String>,
}

/// What happens during a run, for whoever shows it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A node begins.
    Started {
        /// Its id.
        id: String,
        /// Its number among the nodes of the run.
        place: usize,
        /// Nodes of the run.
        total: usize,
    },
    /// A template says something.
    Said {
        /// How loud.
        level: Level,
        /// The text.
        text: String,
    },
    /// A node ended.
    Finished {
        /// What came of it.
        result: Box<NodeResult>,
        /// Nodes that have started so far.
        place: usize,
        /// Nodes of the run.
        total: usize,
    },
}

/// Takes the events of a run.
pub type Progress = super::progress::Progress<Event>;

impl Options {
    /// The order in which nodes that may start do so: what more of the run waits for comes first, then by name.
    fn order(&self, manifest: &Manifest, selected: &BTreeSet<String>) -> Vec<String> {
        let mut waited_for: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        for id in selected {
            for parent in manifest.parents(id) {
                *waited_for.entry(parent.as_str()).or_default() += 1;
            }
        }
        let mut order: Vec<&String> = selected.iter().collect();
        order.sort_by_key(|id| (std::cmp::Reverse(waited_for.get(id.as_str()).copied().unwrap_or(0)), (*id).clone()));
        order.into_iter().cloned().collect()
    }

    /// Whether the rows that break this data test are kept.
    fn stores(&self, node: &Node) -> bool {
        let named = matches!(node.text("store_failures_as"), Some("view" | "table"));
        let asked = node.config.get("store_failures").and_then(Json::as_bool).unwrap_or(self.store_failures);
        node.resource == Resource::Test && (named || (asked && node.text("store_failures_as") != Some("ephemeral")))
    }
}
