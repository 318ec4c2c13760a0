//! The sample project as our types, out of what dbt says about it and out of its own property file.
//!
//! Whatever dbt fills in by default is taken out again on the way, so that our writer has to put it back.

use crate::project::database::RelationName;
use crate::project::manifest::{
    ColumnInfo, Config, Doc, Kept, MacroInfo, Manifest, Node, Ref, Resource, SourceTable, TestFacts,
};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Texts of the fixtures by name, put in by the compiler: nothing here reads files.
macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../tests/fixtures/artifacts/", $name)))),*]
    };
}

/// A file of the fixtures as JSON.
pub fn fixture(name: &str) -> Json {
    let texts = fixtures![
        "dbt/catalog.json",
        "dbt/manifest.json",
        "dbt/run_results.json",
        "dbt/semantic_manifest.json",
        "dbt/sources.json",
        "schemas/catalog_v1.json",
        "schemas/manifest_v12.json",
        "schemas/run_results_v6.json",
        "schemas/sources_v3.json",
    ];
    let (_, text) = texts.into_iter().find(|(known, _)| *known == name).expect(name);
    serde_json::from_str(text).expect(name)
}

/// The sample project.
pub fn manifest() -> Manifest {
    manifest_of(&fixture("dbt/manifest.json"), &properties())
}

/// The property file that holds all but nodes.
fn properties() -> Json {
    serde_saphyr::from_str(include_str!("../../../../tests/fixtures/artifacts/project/models/marts/schema.yml"))
        .expect("the sample's property file")
}

/// Our types out of a manifest of dbt's.
pub fn manifest_of(dbt: &Json, properties: &Json) -> Manifest {
    let mut nodes: BTreeMap<String, Node> = entries(dbt, "nodes").map(|(id, dict)| (id.clone(), node(dict))).collect();
    nodes.extend(entries(dbt, "unit_tests").map(|(id, dict)| (id.clone(), unit_test(dict, properties))));
    let of_sections = ["exposures", "metrics", "semantic_models", "saved_queries"]
        .into_iter()
        .flat_map(|section| entries(dbt, section).map(move |(id, dict)| (id.clone(), kept(dict, section, properties))));
    let disabled = |kind: &'static str| {
        let ids = entries(dbt, "disabled").filter(move |(id, _)| id.starts_with(kind));
        ids.map(|(id, list)| (id.clone(), list.as_array().expect("a list")))
    };
    let selectors = entries(dbt, "selectors").map(|(name, entry)| (name.clone(), entry.clone()));
    Manifest {
        root: text(&dbt["metadata"], "project_name"),
        nodes: Arc::new(nodes),
        sources: Arc::new(entries(dbt, "sources").map(|(id, dict)| (id.clone(), source(dict))).collect()),
        kept: of_sections.collect(),
        groups: entries(dbt, "groups").map(|(id, dict)| (id.clone(), kept(dict, "groups", properties))).collect(),
        macros: entries(dbt, "macros").map(|(id, dict)| (id.clone(), macro_info(dict))).collect(),
        docs: entries(dbt, "docs").map(|(id, dict)| (id.clone(), doc(dict))).collect(),
        disabled: disabled("model.").map(|(id, list)| (id, list.iter().map(node).collect())).collect(),
        disabled_sources: disabled("source.").map(|(id, list)| (id, source(&list[0]))).collect(),
        disabled_kept: disabled("exposure.").map(|(id, list)| (id, kept(&list[0], "exposures", properties))).collect(),
        selectors: selectors.collect(),
        ..Manifest::default()
    }
}

fn entries<'a>(dbt: &'a Json, section: &str) -> impl Iterator<Item = (&'a String, &'a Json)> {
    dbt[section].as_object().expect("a section").iter()
}

fn node(dict: &Json) -> Node {
    let resource = Resource::from_word(&text(dict, "resource_type")).expect("a resource type");
    let config = spelled_out(dict);
    let mut extra = Config::new();
    // What differs from the configuration the node must be told.
    if dict["tags"] != dict["config"]["tags"] {
        extra.insert("tags".into(), dict["tags"].clone());
    }
    for key in ["doc_blocks", "deprecation_date", "time_spine", "index"] {
        if let Some(value) = dict.get(key).filter(|value| !value.is_null() && **value != json!([])) {
            extra.insert(key.into(), value.clone());
        }
    }
    let raw_test = dict.get("test_metadata").map(|test| TestFacts {
        name: text(test, "name"),
        namespace: maybe(test, "namespace"),
        kwargs: map(&test["kwargs"]),
        column: maybe(dict, "column_name"),
        attached: maybe(dict, "attached_node"),
        file_key: text(dict, "file_key_name"),
    });
    Node {
        id: text(dict, "unique_id"),
        package: text(dict, "package_name"),
        name: text(dict, "name"),
        version: version(&dict["version"]),
        latest_version: version(&dict["latest_version"]),
        alias: text(dict, "alias"),
        database: text(dict, "database"),
        schema: text(dict, "schema"),
        path: text(dict, "path"),
        file: text(dict, "original_file_path"),
        line: 0,
        patch_file: maybe(dict, "patch_path").map(|path| path.split_once("://").expect("a package").1.to_owned()),
        fqn: texts(&dict["fqn"]),
        raw_code: text(dict, "raw_code"),
        checksum: text(&dict["checksum"], "checksum"),
        config,
        unrendered_config: map(&dict["unrendered_config"]),
        description: text(dict, "description"),
        columns: columns(dict),
        constraints: list(dict.get("constraints")).iter().map(without_defaults).collect(),
        access: maybe(dict, "access").unwrap_or_else(|| "protected".into()),
        group: maybe(dict, "group"),
        refs: refs(dict),
        sources: pairs(dict),
        depends_on: texts(&dict["depends_on"]["nodes"]),
        macros: texts(&dict["depends_on"]["macros"]),
        vars: BTreeMap::new(),
        test: raw_test.or_else(|| (resource == Resource::Test).then(TestFacts::default)),
        extra,
        resource,
    }
}

/// The configuration without what dbt adds: the keys that some file spells out.
fn spelled_out(dict: &Json) -> Config {
    let unrendered = dict["unrendered_config"].as_object().expect("a map");
    let config = dict["config"].as_object().expect("a map");
    config
        .iter()
        .filter(|(key, _)| unrendered.contains_key(*key))
        .map(|(k, v)| (k.clone(), without_defaults(v)))
        .collect()
}

/// A dictionary without nulls and without what is true by default.
fn without_defaults(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let is_default = |key: &str, value: &Json| match key {
                "warn_unenforced" | "warn_unsupported" | "transaction" | "alias_types" => *value == json!(true),
                "to_columns" => *value == json!([]),
                _ => value.is_null(),
            };
            let plain = map.iter().filter(|(key, value)| !is_default(key, value));
            plain.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
        Json::Array(items) => items.iter().map(without_defaults).collect(),
        other => other.clone(),
    }
}

fn unit_test(dict: &Json, properties: &Json) -> Node {
    let body = entry(properties, "unit_tests", &text(dict, "name"));
    Node {
        raw_code: String::new(),
        extra: body.as_object().expect("a map").clone(),
        config: map(&body["config"]),
        unrendered_config: Config::new(),
        ..node(&json!({
            "resource_type": "unit_test", "unique_id": dict["unique_id"], "package_name": dict["package_name"],
            "name": dict["name"], "version": dict["version"], "path": dict["path"], "fqn": dict["fqn"],
            "original_file_path": dict["original_file_path"], "schema": dict["schema"],
            "description": dict["description"], "depends_on": dict["depends_on"], "config": {}, "unrendered_config": {},
        }))
    }
}

fn source(dict: &Json) -> SourceTable {
    let keys = ["unrendered_config", "unrendered_database", "unrendered_schema", "doc_blocks"];
    let extra = keys.iter().map(|key| ((*key).to_owned(), dict[*key].clone())).collect();
    let unasked = json!({"count": null, "period": null});
    SourceTable {
        id: text(dict, "unique_id"),
        package: text(dict, "package_name"),
        source: text(dict, "source_name"),
        name: text(dict, "name"),
        relation: RelationName {
            database: text(dict, "database"),
            schema: text(dict, "schema"),
            identifier: text(dict, "identifier"),
        },
        file: text(dict, "original_file_path"),
        line: 1,
        fqn: texts(&dict["fqn"]),
        description: text(dict, "description"),
        source_description: text(dict, "source_description"),
        loader: text(dict, "loader"),
        columns: columns(dict),
        loaded_at_field: maybe(dict, "loaded_at_field"),
        loaded_at_query: maybe(dict, "loaded_at_query"),
        freshness: Some(dict["freshness"].clone()).filter(|freshness| freshness["warn_after"] != unasked),
        tags: texts(&dict["tags"]),
        meta: map(&dict["meta"]),
        source_meta: map(&dict["source_meta"]),
        config: entries(dict, "config")
            .filter(|(_, value)| **value == json!(false))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        quoting: map(&without_defaults(&dict["quoting"])),
        extra,
    }
}

fn kept(dict: &Json, section: &str, properties: &Json) -> Kept {
    let name = text(dict, "name");
    // A measure may ask for a metric of its own name, which no entry declares.
    let body = match (section, name.as_str()) {
        ("metrics", "amount") => json!({
            "label": "amount", "type": "simple", "description": "Money.", "config": {"enabled": true, "meta": {}},
            "type_params": {"measure": "amount", "expr": "amount"},
        }),
        _ => entry(properties, section, &name),
    };
    Kept {
        id: text(dict, "unique_id"),
        package: text(dict, "package_name"),
        name,
        file: text(dict, "original_file_path"),
        fqn: texts(dict.get("fqn").unwrap_or(&Json::Null)),
        body: map(&body),
        depends_on: texts(dict.get("depends_on").and_then(|needs| needs.get("nodes")).unwrap_or(&Json::Null)),
        refs: refs(dict),
        sources: pairs(dict),
    }
}

fn entry(properties: &Json, section: &str, name: &str) -> Json {
    let list = properties[section].as_array().expect("a list");
    list.iter().find(|entry| entry["name"] == json!(name)).expect("an entry of this name").clone()
}

fn macro_info(dict: &Json) -> MacroInfo {
    MacroInfo {
        id: text(dict, "unique_id"),
        package: text(dict, "package_name"),
        name: text(dict, "name"),
        file: text(dict, "original_file_path"),
        text: text(dict, "macro_sql"),
        description: text(dict, "description"),
        patch_file: maybe(dict, "patch_path").map(|path| path.split_once("://").expect("a package").1.to_owned()),
        arguments: list(dict.get("arguments")),
        meta: map(&dict["meta"]),
        docs: map(&dict["docs"]),
        macros: texts(&dict["depends_on"]["macros"]),
    }
}

fn doc(dict: &Json) -> Doc {
    Doc {
        id: text(dict, "unique_id"),
        package: text(dict, "package_name"),
        name: text(dict, "name"),
        file: text(dict, "original_file_path"),
        path: text(dict, "path"),
        text: text(dict, "block_contents"),
    }
}

fn columns(dict: &Json) -> Vec<ColumnInfo> {
    let one = |dict: &Json| ColumnInfo {
        name: text(dict, "name"),
        description: text(dict, "description"),
        data_type: maybe(dict, "data_type"),
        quote: dict["quote"].as_bool(),
        constraints: list(dict.get("constraints")).iter().map(without_defaults).collect(),
        meta: map(&dict["meta"]),
        tags: texts(&dict["tags"]),
        extra: ["granularity", "doc_blocks"]
            .into_iter()
            .filter(|key| !dict[*key].is_null() && dict[*key] != json!([]))
            .map(|key| (key.to_owned(), dict[key].clone()))
            .collect(),
    };
    dict.get("columns").and_then(Json::as_object).into_iter().flatten().map(|(_, dict)| one(dict)).collect()
}

fn refs(dict: &Json) -> Vec<Ref> {
    let one =
        |one: &Json| Ref { package: maybe(one, "package"), name: text(one, "name"), version: version(&one["version"]) };
    list(dict.get("refs")).iter().map(one).collect()
}

fn pairs(dict: &Json) -> Vec<(String, String)> {
    let pair = |pair: &Json| {
        let [source, table] = texts(pair).try_into().expect("a pair");
        (source, table)
    };
    list(dict.get("sources")).iter().map(pair).collect()
}

fn version(value: &Json) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

fn maybe(dict: &Json, key: &str) -> Option<String> {
    dict.get(key).and_then(Json::as_str).map(str::to_owned)
}

fn text(dict: &Json, key: &str) -> String {
    maybe(dict, key).unwrap_or_default()
}

fn texts(value: &Json) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn list(value: Option<&Json>) -> Vec<Json> {
    value.and_then(Json::as_array).cloned().unwrap_or_default()
}

fn map(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}
