//! The lines of `quintile ls` for a dbt project: the selector, name, path or dictionary of each node, as dbt prints them.

use crate::error::{Error, Result};
use crate::project::manifest::view::{self, Stamp};
use crate::project::manifest::{Manifest, Resource};
use clap::ValueEnum;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// What is told of each node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// What --select takes: shop.staging.stg_orders, source:shop.raw.orders.
    #[default]
    Selector,
    /// The name alone.
    Name,
    /// The file that defines it.
    Path,
    /// A JSON document a line.
    Json,
}

/// Keys that `--output json` shows where none are named.
const KEYS: [&str; 10] = [
    "alias",
    "name",
    "source_name",
    "depends_on",
    "unique_id",
    "resource_type",
    "package_name",
    "config",
    "tags",
    "original_file_path",
];

/// Whether `ls` shows such a thing: analyses only where they are asked for, hooks never.
pub fn is_listed(id: &str, types: &[String]) -> bool {
    let asked = |word: &str| types.iter().flat_map(|list| list.split_whitespace()).any(|known| known == word);
    match view::kind_of(id) {
        "operation" => false,
        "analysis" => asked("analysis") || asked("all"),
        _ => true,
    }
}

/// One line a node, in the order of their ids.
pub fn lines(manifest: &Manifest, ids: &BTreeSet<String>, output: Output, keys: &[String]) -> Result<Vec<String>> {
    let keys: Vec<&str> = keys.iter().flat_map(|list| list.split_whitespace()).collect();
    if output != Output::Json && !keys.is_empty() {
        return Err(Error::usage("--output-keys goes with --output json"));
    }
    Ok(match output {
        Output::Selector => ids.iter().map(|id| selector(manifest, id)).collect(),
        Output::Name => ids.iter().map(|id| name(manifest, id)).collect(),
        Output::Path => ids.iter().map(|id| path(manifest, id)).collect(),
        Output::Json => ids.iter().map(|id| Json::Object(dictionary(manifest, id, &keys)).to_string()).collect(),
    })
}

/// What `--select` takes to pick this one.
fn selector(manifest: &Manifest, id: &str) -> String {
    if let Some(table) = manifest.sources.get(id) {
        return format!("source:{}.{}.{}", table.package, table.source, table.name);
    }
    if let Some(kept) = manifest.kept.get(id) {
        return format!("{}:{}.{}", view::kind_of(id), kept.package, kept.name);
    }
    match manifest.nodes.get(id) {
        Some(node) if node.resource == Resource::UnitTest => {
            format!("unit_test:{}.{}", node.package, name(manifest, id))
        }
        Some(node) => node.fqn.join("."),
        None => id.to_owned(),
    }
}

fn name(manifest: &Manifest, id: &str) -> String {
    if let Some(table) = manifest.sources.get(id) {
        return format!("{}.{}", table.source, table.name);
    }
    if let Some(kept) = manifest.kept.get(id) {
        return kept.name.clone();
    }
    let Some(node) = manifest.nodes.get(id) else { return id.to_owned() };
    match (&node.version, node.resource) {
        (Some(version), Resource::Model) => format!("{}.v{version}", node.name),
        (Some(version), Resource::UnitTest) => format!("{}_v{version}", node.name),
        _ => node.name.clone(),
    }
}

fn path(manifest: &Manifest, id: &str) -> String {
    let file = manifest.nodes.get(id).map(|node| &node.file);
    let file = file.or_else(|| manifest.sources.get(id).map(|table| &table.file));
    file.or_else(|| manifest.kept.get(id).map(|kept| &kept.file)).cloned().unwrap_or_default()
}

/// The keys that were named, in that order, with dots for what lies deeper; else the usual ones.
pub fn dictionary(manifest: &Manifest, id: &str, keys: &[&str]) -> Map<String, Json> {
    let stamp = Stamp::default();
    let whole = if let Some(node) = manifest.nodes.get(id) {
        Json::Object(view::full(node, None, &[], &stamp))
    } else if let Some(table) = manifest.sources.get(id) {
        view::source(table, &stamp)
    } else if let Some(kept) = manifest.kept.get(id) {
        view::kept(kept, &manifest.nodes, &manifest.kept, &stamp)
    } else {
        Json::Null
    };
    if keys.is_empty() {
        let map = whole.as_object().cloned().unwrap_or_default();
        return map.into_iter().filter(|(key, _)| KEYS.contains(&key.as_str())).collect();
    }
    let deep = |key: &str| key.split('.').try_fold(&whole, |value, part| value.get(part)).cloned();
    keys.iter().filter_map(|key| Some(((*key).to_owned(), deep(key)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::{Node, SourceTable};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn manifest() -> Manifest {
        let node = |id: &str, resource, version: Option<&str>| Node {
            id: id.into(),
            package: "shop".into(),
            name: "orders".into(),
            version: version.map(str::to_owned),
            file: "models/marts/orders.sql".into(),
            fqn: ["shop", "marts", "orders"].map(str::to_owned).to_vec(),
            ..Node::blank(resource)
        };
        let nodes = [
            node("model.shop.orders.v2", Resource::Model, Some("2")),
            node("unit_test.shop.orders.sums", Resource::UnitTest, None),
        ];
        let source = SourceTable {
            id: "source.shop.raw.orders".into(),
            package: "shop".into(),
            source: "raw".into(),
            name: "orders".into(),
            file: "models/sources.yml".into(),
            ..SourceTable::default()
        };
        Manifest {
            nodes: Arc::new(nodes.into_iter().map(|node| (node.id.clone(), node)).collect()),
            sources: Arc::new(BTreeMap::from([(source.id.clone(), source)])),
            ..Manifest::default()
        }
    }

    fn listed(output: Output, keys: &[&str]) -> Vec<String> {
        let ids = ["model.shop.orders.v2", "source.shop.raw.orders", "unit_test.shop.orders.sums"];
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        lines(&manifest(), &ids.map(str::to_owned).into(), output, &keys).expect("lines")
    }

    #[test]
    fn each_kind_of_thing_has_its_words() {
        assert_eq!(
            listed(Output::Selector, &[]),
            ["shop.marts.orders", "source:shop.raw.orders", "unit_test:shop.orders"]
        );
        assert_eq!(listed(Output::Name, &[]), ["orders.v2", "raw.orders", "orders"]);
        assert_eq!(listed(Output::Path, &[])[1], "models/sources.yml");
    }

    #[test]
    fn keys_are_shown_in_the_order_asked_for_and_those_that_are_not_there_left_out() {
        let keys = ["config.materialized", "name nothing"];
        assert_eq!(listed(Output::Json, &keys)[0], r#"{"config.materialized":"view","name":"orders"}"#);
    }

    #[test]
    fn analyses_are_listed_on_request_only() {
        assert!(!is_listed("analysis.shop.top", &[]));
        assert!(is_listed("analysis.shop.top", &["model analysis".into()]));
        assert!(!is_listed("operation.shop.hook", &["all".into()]));
    }
}
