//! Models, seeds, snapshots, data tests, analyses and hooks as dictionaries.

use super::Stamp;
use super::column::{columns, is_of_type, model_constraint, overlay};
use super::config::{config, unrendered};
use super::contract::contract;
use super::shape::{extend, fill_value, object};
use crate::project::database::RelationName;
use crate::project::manifest::cte::Cte;
use crate::project::manifest::node::{Node, Ref, Resource};
use crate::project::name::quote_identifier;
use serde_json::{Map, Value as Json, json};

/// What compiling and running left behind about a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The statement; `None` if the node was not compiled.
    pub compiled_code: Option<String>,
    /// Ephemeral models in it.
    pub extra_ctes: Vec<Cte>,
    /// File that the statement was written to.
    pub compiled_path: Option<String>,
    /// File that what ran was written to.
    pub build_path: Option<String>,
}

/// Every key that dbt has for the kind of node, in its order.
pub fn dict(node: &Node, outcome: Option<&Outcome>, tests: &[&Node], stamp: &Stamp) -> Map<String, Json> {
    let config = config(node);
    let mut dict = object(json!({
        "database": node.database,
        "schema": node.schema,
        "name": node.name,
        "resource_type": node.resource.as_str(),
        "package_name": node.package,
        "path": path(node),
        "original_file_path": original_file_path(node),
        "unique_id": node.id,
        "fqn": node.fqn,
        "alias": node.alias,
        "checksum": checksum(node),
        "config": config,
        "tags": config["tags"],
        "description": node.description,
        "columns": columns(&node.columns),
        "meta": config["meta"],
        "group": node.group,
        "docs": config.get("docs").cloned().unwrap_or_else(|| json!({"show": true, "node_color": null})),
        "patch_path": node.patch_file.as_ref().map(|file| format!("{}://{file}", node.package)),
        "build_path": outcome.and_then(|outcome| outcome.build_path.clone()),
        "unrendered_config": unrendered(node),
    }));
    if let Some(created_at) = stamp.created_at {
        dict.insert("created_at".to_owned(), json!(created_at));
    }
    extend(
        &mut dict,
        json!({"relation_name": relation_name(node, &config), "raw_code": node.raw_code, "doc_blocks": []}),
    );
    if node.resource == Resource::Seed {
        let root_path = stamp.root_paths.get(&node.package);
        extend(&mut dict, json!({"root_path": root_path, "depends_on": {"macros": node.macros}}));
    } else {
        add_code(&mut dict, node, outcome, contract(node, &config));
    }
    add_own(&mut dict, node, tests);
    overlay(&mut dict, &node.extra, &["tags", "doc_blocks", "metrics", "functions"]);
    dict
}

/// What nodes have that are rendered: everything but seeds.
fn add_code(dict: &mut Map<String, Json>, node: &Node, outcome: Option<&Outcome>, contract: Json) {
    extend(
        dict,
        json!({
            "language": "sql",
            "refs": refs(&node.refs),
            "sources": node.sources,
            "metrics": [],
            "functions": [],
            "depends_on": {"macros": node.macros, "nodes": node.depends_on},
            "compiled_path": outcome.and_then(|outcome| outcome.compiled_path.clone()),
        }),
    );
    if let Some((outcome, code)) = outcome.and_then(|outcome| Some((outcome, outcome.compiled_code.as_ref()?))) {
        let cte = |cte: &Cte| json!({"id": cte.id, "sql": format!(" {} as (\n{}\n)", cte.name, cte.sql)});
        let ctes: Vec<Json> = outcome.extra_ctes.iter().map(cte).collect();
        extend(dict, json!({"compiled": true, "compiled_code": code, "extra_ctes_injected": true, "extra_ctes": ctes}));
    }
    dict.insert("contract".to_owned(), contract);
}

/// What only this kind of node has.
fn add_own(dict: &mut Map<String, Json>, node: &Node, tests: &[&Node]) {
    match node.resource {
        Resource::Model => {
            let constraints: Vec<Json> = node.constraints.iter().map(model_constraint).collect();
            let time_spine = node.extra.get("time_spine").filter(|spine| spine.is_object());
            let spine = json!({"standard_granularity_column": null, "custom_granularities": []});
            extend(
                dict,
                json!({
                    "access": node.access,
                    "constraints": constraints,
                    "version": version(node.version.as_deref()),
                    "latest_version": version(node.latest_version.as_deref()),
                    "deprecation_date": node.extra.get("deprecation_date").map(instant),
                    "primary_key": primary_key::infer(node, tests),
                    "time_spine": time_spine.map(|given| fill_value(spine, Some(given))),
                }),
            );
        }
        Resource::Operation => {
            dict.insert("index".to_owned(), node.extra.get("index").cloned().unwrap_or_default());
        }
        Resource::Test => {
            let generic = node.test.as_ref().filter(|test| !test.name.is_empty());
            if let Some(test) = generic {
                extend(
                    dict,
                    json!({
                        "column_name": test.column,
                        "file_key_name": test.file_key,
                        "attached_node": test.attached.as_ref().filter(|id| !id.starts_with("source.")),
                        "test_metadata": {"name": test.name, "kwargs": test.kwargs, "namespace": test.namespace},
                    }),
                );
            }
        }
        _ => {}
    }
}

/// Calls of `ref` as dictionaries.
pub fn refs(refs: &[Ref]) -> Json {
    let one = |one: &Ref| json!({"name": one.name, "package": one.package, "version": version(one.version.as_deref())});
    refs.iter().map(one).collect()
}

/// A version is a number wherever it reads as one.
pub fn version(version: Option<&str>) -> Json {
    let Some(version) = version else { return Json::Null };
    let number = version.parse::<i64>().map(Json::from);
    number.or_else(|_| version.parse::<f64>().map(Json::from)).unwrap_or_else(|_| json!(version))
}

/// `"database"."schema"."identifier"`
pub fn quoted(relation: &RelationName) -> String {
    let parts = [&relation.database, &relation.schema, &relation.identifier];
    let present = parts.into_iter().filter(|part| !part.is_empty());
    present.map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".")
}

/// Null for what has no relation of its own: a test has one if its failures are stored.
fn relation_name(node: &Node, config: &Map<String, Json>) -> Option<String> {
    let has_one = match node.resource {
        Resource::Test => config.get("store_failures").and_then(Json::as_bool) == Some(true),
        _ => node.is_built(),
    };
    has_one.then(|| quoted(&node.relation()))
}

/// Analyses stand in a folder of their own, whatever the project calls it.
fn path(node: &Node) -> String {
    match node.resource {
        Resource::Analysis if !node.path.starts_with("analysis/") => format!("analysis/{}", node.path),
        _ => node.path.clone(),
    }
}

fn original_file_path(node: &Node) -> String {
    match node.resource {
        Resource::Operation if !node.file.starts_with("./") => format!("./{}", node.file),
        _ => node.file.clone(),
    }
}

fn checksum(node: &Node) -> Json {
    let name = if node.checksum.is_empty() { "none" } else { "sha256" };
    json!({"name": name, "checksum": node.checksum})
}

/// A date or instant of a property file as an instant; a day alone means its midnight, no zone means UTC.
fn instant(written: &Json) -> Json {
    let Some(text) = written.as_str() else { return written.clone() };
    let mut text = text.trim().replacen(' ', "T", 1);
    if text.len() == "2030-01-01".len() {
        text.push_str("T00:00:00");
    }
    let has_zone = text.ends_with('Z') || text.get(11..).is_some_and(|time| time.contains(['+', '-']));
    if !has_zone {
        text.push_str("+00:00");
    }
    json!(text)
}

pub mod primary_key {
    //! The columns that identify a row, as far as constraints and data tests tell.

    use super::{Json, Node, Resource, is_of_type};
    use std::collections::{BTreeMap, BTreeSet};

    /// Generic data tests by the node that they are attached to.
    pub fn tests_by_node<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeMap<&'a str, Vec<&'a Node>> {
        let mut tests: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
        for node in nodes.filter(|node| node.resource == Resource::Test) {
            if let Some(attached) = node.test.as_ref().and_then(|test| test.attached.as_deref()) {
                tests.entry(attached).or_default().push(node);
            }
        }
        tests
    }

    /// A constraint decides; else columns tested unique and not null; else those tested unique.
    pub fn infer(model: &Node, tests: &[&Node]) -> Vec<String> {
        let of_table = model.constraints.iter().find(|constraint| is_of_type(constraint, "primary_key"));
        if let Some(constraint) = of_table {
            return texts(constraint.get("columns"));
        }
        let is_key = |constraint: &Json| is_of_type(constraint, "primary_key");
        if let Some(column) = model.columns.iter().find(|column| column.constraints.iter().any(is_key)) {
            return vec![column.name.clone()];
        }
        let (mut unique, mut not_null) = (BTreeSet::new(), BTreeSet::new());
        for test in tests.iter().filter_map(|node| node.test.as_ref()) {
            let found = match test.kwargs.get("column_name").and_then(Json::as_str) {
                Some(column) => vec![column.to_owned()],
                None => texts(test.kwargs.get("combination_of_columns")),
            };
            match test.name.as_str() {
                "unique" | "unique_combination_of_columns" => unique.extend(found),
                "not_null" => not_null.extend(found),
                _ => {}
            }
        }
        let both: Vec<String> = unique.intersection(&not_null).cloned().collect();
        if both.is_empty() { unique.into_iter().collect() } else { both }
    }

    fn texts(list: Option<&Json>) -> Vec<String> {
        list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    }
}
