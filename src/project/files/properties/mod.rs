//! Property files: what the `.yml` files beside the models say about models, seeds, snapshots, sources and the rest.

mod column;
mod data_test;
mod later;
mod node;
mod other;
mod source;
#[cfg(test)]
pub(super) mod tests;
mod unit_test;
mod version;

use super::problem::Problem;
use super::reader::{Fields, Reader};
use super::render::{Render, rendered};
use crate::project::SourceFile;
use crate::project::yaml::Node;
pub use column::ColumnProperties;
pub use data_test::TestProperties;
pub use node::NodeProperties;
pub use other::{MacroArgument, MacroProperties, Other};
use serde_json::Value as Json;
pub use source::{Freshness, Period, SourceProperties, TableDefaults, TableProperties};
pub use unit_test::{Fixture, Format, UnitTestProperties};
pub use version::VersionProperties;

/// What one file says.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    /// The file, relative to its package.
    pub path: String,
    /// `models:`
    pub models: Vec<NodeProperties>,
    /// `seeds:`
    pub seeds: Vec<NodeProperties>,
    /// `snapshots:`, also those that exist in this file only.
    pub snapshots: Vec<NodeProperties>,
    /// `analyses:`
    pub analyses: Vec<NodeProperties>,
    /// `data_tests:`: singular tests that are described here.
    pub data_tests: Vec<NodeProperties>,
    /// `functions:`
    pub functions: Vec<Other>,
    /// `sources:`
    pub sources: Vec<SourceProperties>,
    /// `macros:`
    pub macros: Vec<MacroProperties>,
    /// `unit_tests:`
    pub unit_tests: Vec<UnitTestProperties>,
    /// `exposures:`
    pub exposures: Vec<Other>,
    /// `groups:`
    pub groups: Vec<Other>,
    /// `metrics:`
    pub metrics: Vec<Other>,
    /// `semantic_models:`
    pub semantic_models: Vec<Other>,
    /// `saved_queries:`
    pub saved_queries: Vec<Other>,
}

const TOP_KEYS: &[&str] = &[
    "version",
    "models",
    "seeds",
    "snapshots",
    "sources",
    "macros",
    "analyses",
    "exposures",
    "groups",
    "metrics",
    "semantic_models",
    "saved_queries",
    "unit_tests",
    "data_tests",
    "functions",
    "anchors",
];

/// Whether the key heads a list of entries; anchors are YAML for other places of the file.
fn is_section(key: &str) -> bool {
    TOP_KEYS.contains(&key) && !matches!(key, "version" | "anchors")
}

/// Reads one file.
#[must_use]
pub fn read(file: &SourceFile, render: Render<'_>, problems: &mut Vec<Problem>) -> Properties {
    let mut properties = Properties { path: file.path.clone(), ..Properties::default() };
    let Some((mut reader, node)) = Reader::open(file, problems) else { return properties };
    let reader = &mut reader;
    let Some(top) = reader.fields(&node, format!("\"{}\"", file.path), TOP_KEYS) else { return properties };
    let sections = top.entries().iter().filter(|(key, _)| is_section(&key.name));
    for (key, list) in sections {
        for written in reader.list(list, &format!("\"{}\"", key.name)) {
            let section = key.name.as_str();
            let node = rendered(reader, written, &|path| later::is_rendered_later(section, path), render);
            let entry = Entry { written: written.json(), node, path: file.path.clone(), render };
            match section {
                "models" => properties.models.extend(node::read(reader, &entry, node::Kind::Model)),
                "seeds" => properties.seeds.extend(node::read(reader, &entry, node::Kind::Seed)),
                "snapshots" => properties.snapshots.extend(node::read(reader, &entry, node::Kind::Snapshot)),
                "analyses" => properties.analyses.extend(node::read(reader, &entry, node::Kind::Analysis)),
                "data_tests" => properties.data_tests.extend(node::read(reader, &entry, node::Kind::DataTest)),
                "sources" => properties.sources.extend(source::read(reader, &entry)),
                "macros" => properties.macros.extend(other::read_macro(reader, &entry)),
                "unit_tests" => properties.unit_tests.extend(unit_test::read(reader, &entry)),
                "functions" => properties.functions.extend(other::read(reader, &entry, "function")),
                "exposures" => properties.exposures.extend(other::read(reader, &entry, "exposure")),
                "groups" => properties.groups.extend(other::read(reader, &entry, "group")),
                "metrics" => properties.metrics.extend(other::read(reader, &entry, "metric")),
                "semantic_models" => properties.semantic_models.extend(other::read(reader, &entry, "semantic model")),
                "saved_queries" => properties.saved_queries.extend(other::read(reader, &entry, "saved query")),
                _ => {}
            }
        }
    }
    properties
}

/// One item of a section, as written and as rendered.
struct Entry<'a> {
    written: Json,
    node: Node,
    path: String,
    render: Render<'a>,
}

/// The name of an entry.
fn name(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<String> {
    let name = reader.required_text(fields, "name")?;
    if name.is_empty() {
        reader.error(fields.line, "", format!("the name of {} is empty", fields.what), "write a name");
    }
    Some(name)
}
