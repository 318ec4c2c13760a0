//! Nodes, sources and the rest as dictionaries, key for key as dbt has them.
//!
//! Templates see them as `model` and `graph`, other tools read them in `manifest.json`: one shape, written once.

mod column;
mod config;
mod contract;
mod kept;
mod lineage;
mod metric;
mod node;
mod shape;
mod source;
mod unit_test;

pub use kept::kept;
pub use lineage::link;
pub use node::{Outcome, primary_key};
pub use source::{freshness, source};

pub use super::cte::Cte;
use super::digest::md5_hex;
use super::node::{Kept, Node, Resource, SourceTable};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What the dictionaries say besides the project: it comes from the invocation, because parsing knows no clock.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// Seconds since 1970 at which the project was read; without it the key is left out.
    pub created_at: Option<f64>,
    /// Folder of each package, which seeds are read from.
    pub root_paths: BTreeMap<String, String>,
}

/// What templates see as `model`: keys without a value are left out, so that `model.group is defined` asks a question.
#[must_use]
pub fn node(node: &Node) -> Json {
    let mut dict = full(node, None, &[], &Stamp::default());
    shape::drop_nulls(&mut dict);
    Json::Object(dict)
}

/// What templates see as `graph`: every key is there, `none` where nothing is known.
#[must_use]
pub fn graph(
    nodes: &BTreeMap<String, Node>,
    sources: &BTreeMap<String, SourceTable>,
    kept: &BTreeMap<String, Kept>,
    groups: &BTreeMap<String, Kept>,
) -> Json {
    let stamp = Stamp::default();
    let of_kind = |kind: &str| -> Json {
        let mine = kept.iter().filter(|(id, _)| kind_of(id) == kind);
        mine.map(|(id, one)| (id.clone(), self::kept(one, nodes, kept, &stamp))).collect()
    };
    let tests = primary_key::tests_by_node(nodes.values());
    let relational = nodes.iter().filter(|(_, node)| node.resource != Resource::UnitTest);
    let described = relational.map(|(id, node)| {
        let tests = tests.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
        (id.clone(), Json::Object(full(node, None, tests, &stamp)))
    });
    let tables = sources.iter().map(|(id, table)| (id.clone(), source(table, &stamp)));
    let groups = groups.iter().map(|(id, group)| (id.clone(), self::kept(group, nodes, kept, &stamp)));
    Json::Object(Map::from_iter([
        ("exposures".to_owned(), of_kind("exposure")),
        ("functions".to_owned(), Json::Object(Map::new())),
        ("groups".to_owned(), groups.collect()),
        ("metrics".to_owned(), of_kind("metric")),
        ("nodes".to_owned(), described.collect()),
        ("sources".to_owned(), tables.collect()),
        ("semantic_models".to_owned(), of_kind("semantic_model")),
        ("saved_queries".to_owned(), of_kind("saved_query")),
    ]))
}

/// The whole dictionary of a node, what compiling left behind included; `tests` are those attached to it.
#[must_use]
pub fn full(node: &Node, outcome: Option<&Outcome>, tests: &[&Node], stamp: &Stamp) -> Map<String, Json> {
    match node.resource {
        Resource::UnitTest => unit_test::dict(node, stamp),
        _ => node::dict(node, outcome, tests, stamp),
    }
}

/// How documentation shows something, with dbt's defaults.
#[must_use]
pub fn docs(given: &Map<String, Json>) -> Json {
    Json::Object(shape::fill(serde_json::json!({"show": true, "node_color": null}), given, shape::Unknown::Drop))
}

/// Ids that a node needs as other tools see it: a unit test needs its model, whatever its rows stand for.
#[must_use]
pub fn parents(node: &Node) -> &[String] {
    match node.resource {
        Resource::UnitTest => unit_test::parents(node),
        _ => &node.depends_on,
    }
}

/// First part of a unique id: `exposure`.
#[must_use]
pub fn kind_of(id: &str) -> &str {
    id.split('.').next().unwrap_or_default()
}

/// What tells projects apart without telling their names.
#[must_use]
pub fn project_id(name: &str) -> String {
    md5_hex(name)
}
