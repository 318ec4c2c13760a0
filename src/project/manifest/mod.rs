//! A parsed project: every node of every package, what depends on what, and what else other tools read.

mod compile;
mod cte;
mod digest;
mod fault;
mod functions;
mod generic;
mod live;
mod names;
mod narrowed;
mod node;
mod read;
mod rendering;
pub mod state;
mod test_name;
mod unit_test;
pub mod view;
mod world;

pub use compile::{Compiled, Compiler};
pub use functions::{NAMES as FUNCTIONS, json_value};
pub use live::LiveRelation;
pub use read::{Input, Package, Read, read, render_setting};
pub use rendering::{Listener, Phase, Record, Rendering, RunScope, TimeWindow};
pub use test_name::python_str as test_name_str;
pub use unit_test::{Rows, UnitTest, rows_sql};
pub use view::Outcome;
pub use world::{Clock, World};

pub use names::Names;
pub use node::{ColumnInfo, Config, Kept, Node, Ref, Resource, SourceTable, TestFacts};

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A macro as the manifest shows it.
#[derive(Clone, Debug, Default)]
pub struct MacroInfo {
    /// `macro.shop.cents_to_money`
    pub id: String,
    /// Package.
    pub package: String,
    /// Name.
    pub name: String,
    /// File, relative to its package.
    pub file: String,
    /// The whole block.
    pub text: String,
    /// From a property file.
    pub description: String,
    /// Property file that describes it.
    pub patch_file: Option<String>,
    /// Arguments as a property file describes them.
    pub arguments: Vec<Json>,
    /// Free facts.
    pub meta: Config,
    /// How documentation shows it: `show`, `node_color`.
    pub docs: Config,
    /// Ids of macros it calls, as far as its text tells.
    pub macros: Vec<String>,
}

/// A `{% docs %}` block.
#[derive(Clone, Debug, Default)]
pub struct Doc {
    /// `doc.shop.orders_status`
    pub id: String,
    /// Package.
    pub package: String,
    /// Name that `doc()` takes.
    pub name: String,
    /// File, relative to its package.
    pub file: String,
    /// The same below the folder of docs.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A parsed project.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Name of the root package.
    pub root: String,
    /// Enabled nodes by id: models, seeds, snapshots, data tests, unit tests, analyses, hooks of the project.
    pub nodes: Arc<BTreeMap<String, Node>>,
    /// Enabled sources by id.
    pub sources: Arc<BTreeMap<String, SourceTable>>,
    /// Exposures, metrics, semantic models, saved queries by id.
    pub kept: BTreeMap<String, Kept>,
    /// Groups by id.
    pub groups: BTreeMap<String, Kept>,
    /// Macros by id.
    pub macros: BTreeMap<String, MacroInfo>,
    /// Docs by id.
    pub docs: BTreeMap<String, Doc>,
    /// Nodes that are switched off, by id.
    pub disabled: BTreeMap<String, Vec<Node>>,
    /// Sources that are switched off, by id.
    pub disabled_sources: BTreeMap<String, SourceTable>,
    /// Exposures, metrics, semantic models and saved queries that are switched off, by id.
    pub disabled_kept: BTreeMap<String, Kept>,
    /// Definitions of `selectors.yml` by name, as written.
    pub selectors: BTreeMap<String, Json>,
    /// What names mean.
    pub names: Arc<Names>,
}

impl Manifest {
    /// Ids that a node, source or exposure needs directly.
    #[must_use]
    pub fn parents(&self, id: &str) -> &[String] {
        self.nodes
            .get(id)
            .map(|node| node.depends_on.as_slice())
            .or_else(|| self.kept.get(id).map(|kept| kept.depends_on.as_slice()))
            .unwrap_or_default()
    }

    /// Name for messages.
    #[must_use]
    pub fn label(&self, id: &str) -> String {
        self.nodes.get(id).map_or_else(|| format!("\"{id}\""), Node::label)
    }

    /// The file of a node as messages show it: with the package before it, where it is not the root project's.
    #[must_use]
    pub fn shown_file(&self, node: &Node) -> String {
        if node.package == self.root { node.file.clone() } else { format!("{}: {}", node.package, node.file) }
    }
}
