//! Artifacts against what dbt-core writes for the sample project, key for key and in order, and against its schemas.

mod results;
mod sample;
mod schema;
mod state;

use super::manifest::{Outcomes, Setting, manifest};
use super::{Invocation, semantic_manifest};
use crate::project::manifest::Manifest;
use crate::project::manifest::view::{self, Cte, Outcome};
use chrono::DateTime;
use sample::fixture;
use schema::departures;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn invocation() -> Invocation {
    let at = DateTime::from_timestamp(1_767_225_600, 0).expect("an instant");
    let id = "00000000-0000-0000-0000-000000000000".to_owned();
    Invocation { id, started_at: at, generated_at: at, env: [("team".to_owned(), "data".to_owned())].into() }
}

fn setting() -> Setting {
    Setting { root_paths: [("every".to_owned(), "/project".to_owned())].into(), ..Setting::default() }
}

fn written() -> Json {
    manifest(&sample::manifest(), &Outcomes::new(), &setting(), &invocation())
}

/// Both as text, so that the order of keys counts; the first difference is told by its path.
fn assert_same(section: &str, ours: &Json, dbts: &Json) {
    let (ours, dbts) = (ours.as_object().expect("a map"), dbts.as_object().expect("a map"));
    for (id, expected) in dbts {
        let got = ours.get(id).unwrap_or_else(|| panic!("{section}: {id} is missing"));
        if let (Some(got), Some(expected)) = (got.as_object(), expected.as_object()) {
            for (key, expected) in expected {
                let got = got.get(key).unwrap_or_else(|| panic!("{section}: {id} has no {key}"));
                assert_eq!(got.to_string(), expected.to_string(), "{section}: {id}: {key}");
            }
        }
        assert_eq!(got.to_string(), expected.to_string(), "{section}: {id}");
    }
    assert_eq!(ours.len(), dbts.len(), "{section}");
}

#[test]
fn the_manifest_equals_that_of_dbt_core() {
    let (ours, mut dbts) = (written(), fixture("dbt/manifest.json"));
    // dbt mixes the configuration of models into that of groups.
    dbts["groups"]["group.every.finance"]["config"] = json!({"meta": {"floor": 3}});
    assert_eq!(
        ours.as_object().map(|map| map.keys().collect::<Vec<_>>()),
        dbts.as_object().map(|map| map.keys().collect::<Vec<_>>())
    );
    for section in [
        "nodes",
        "sources",
        "macros",
        "docs",
        "exposures",
        "metrics",
        "groups",
        "selectors",
        "disabled",
        "saved_queries",
        "semantic_models",
        "unit_tests",
        "functions",
    ] {
        assert_same(section, &ours[section], &dbts[section]);
    }
    assert_eq!(ours["parent_map"], dbts["parent_map"]);
    assert_eq!(ours["child_map"], dbts["child_map"]);
    let members = |manifest: &Json| {
        let mut ids: Vec<String> = serde_json::from_value(manifest["group_map"]["finance"].clone()).expect("ids");
        ids.sort();
        ids
    };
    assert_eq!(members(&ours), members(&dbts));
    let keys = |manifest: &Json| manifest["metadata"].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&ours), keys(&dbts));
    for key in ["dbt_schema_version", "dbt_version", "project_name", "project_id", "adapter_type", "quoting"] {
        assert_eq!(ours["metadata"][key], dbts["metadata"][key], "{key}");
    }
}

#[test]
fn a_manifest_of_before_and_after_compiling_fits_the_schema() {
    let schema = fixture("schemas/manifest_v12.json");
    assert_eq!(departures(&fixture("dbt/manifest.json"), &schema), [""; 0], "the checker refuses dbt's own");
    let project = sample::manifest();
    let compiled = |id: &String| {
        let outcome = Outcome {
            compiled_code: Some("select 1".into()),
            extra_ctes: vec![Cte {
                id: "model.every.eph".into(),
                name: "__dbt__cte__eph".into(),
                sql: "select 2".into(),
            }],
            compiled_path: Some("target/compiled/x.sql".into()),
            build_path: None,
        };
        (id.clone(), outcome)
    };
    let outcomes: Outcomes = project.nodes.keys().map(compiled).collect();
    for outcomes in [Outcomes::new(), outcomes] {
        let document = manifest(&project, &outcomes, &setting(), &invocation());
        assert_eq!(departures(&document, &schema), [""; 0]);
    }
    let mut broken = written();
    broken["nodes"]["model.every.orders"]["checksum"] = json!("abc");
    assert!(!departures(&broken, &schema).is_empty());
}

#[test]
fn a_compiled_node_has_its_statement_between_paths_and_contract() {
    let project = sample::manifest();
    let outcome = Outcome {
        compiled_code: Some("with __dbt__cte__eph as (\nselect 2\n) select 1".into()),
        extra_ctes: vec![Cte { id: "model.every.eph".into(), name: "__dbt__cte__eph".into(), sql: "select 2".into() }],
        compiled_path: Some("target/compiled/every/models/marts/orders.sql".into()),
        build_path: Some("target/run/every/models/marts/orders.sql".into()),
    };
    let outcomes: Outcomes = [("model.every.orders".to_owned(), outcome)].into();
    let document = manifest(&project, &outcomes, &setting(), &invocation());
    let node = document["nodes"]["model.every.orders"].as_object().expect("a node");
    let keys: Vec<&str> = node.keys().map(String::as_str).collect();
    let from = keys.iter().position(|key| *key == "compiled_path").expect("the path");
    let compiled = ["compiled_path", "compiled", "compiled_code", "extra_ctes_injected", "extra_ctes", "contract"];
    assert_eq!(keys[from..from + 6], compiled);
    let cte = json!([{"id": "model.every.eph", "sql": " __dbt__cte__eph as (\nselect 2\n)"}]);
    assert_eq!(node["extra_ctes"], cte);
    assert_eq!(node["build_path"], json!("target/run/every/models/marts/orders.sql"));
}

#[test]
fn the_semantic_manifest_equals_that_of_dbt_core() {
    let (ours, dbts) =
        (semantic_manifest::semantic_manifest(&sample::manifest()), fixture("dbt/semantic_manifest.json"));
    for section in ["semantic_models", "metrics", "saved_queries"] {
        let by_name = |document: &Json| -> Json {
            let list = document[section].as_array().expect("a list").iter();
            list.map(|entry| (entry["name"].as_str().expect("a name").to_owned(), entry.clone())).collect()
        };
        assert_same(section, &by_name(&ours), &by_name(&dbts));
    }
    assert_eq!(ours["project_configuration"].to_string(), dbts["project_configuration"].to_string());
}

#[test]
fn lineage_between_metrics_equals_that_of_dbt_core() {
    let dbts = sample::manifest().kept;
    let mut ours = dbts.clone();
    ours.remove("metric.every.amount");
    for one in ours.values_mut() {
        one.depends_on.retain(|id| !id.starts_with("metric.") && !id.starts_with("semantic_model."));
    }
    view::link(&mut ours);
    assert_eq!(ours.keys().collect::<Vec<_>>(), dbts.keys().collect::<Vec<_>>());
    for (id, expected) in &dbts {
        let sorted = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&ours[id].depends_on), sorted(&expected.depends_on), "{id}");
    }
    let document =
        manifest(&Manifest { kept: ours, ..sample::manifest() }, &Outcomes::new(), &setting(), &invocation());
    assert_eq!(
        document["metrics"]["metric.every.amount"],
        fixture("dbt/manifest.json")["metrics"]["metric.every.amount"]
    );
}

#[test]
fn templates_see_a_node_without_keys_that_have_no_value() {
    let project = sample::manifest();
    let seen = view::node(&project.nodes["model.every.stg_orders"]);
    let keys: Vec<&String> = seen.as_object().expect("a map").keys().collect();
    // As dbt-core 1.11 prints `model` for this node, without what tells times and calls.
    let expected = [
        "database",
        "schema",
        "name",
        "resource_type",
        "package_name",
        "path",
        "original_file_path",
        "unique_id",
        "fqn",
        "alias",
        "checksum",
        "config",
        "tags",
        "description",
        "columns",
        "meta",
        "docs",
        "unrendered_config",
        "relation_name",
        "raw_code",
        "doc_blocks",
        "language",
        "refs",
        "sources",
        "metrics",
        "functions",
        "depends_on",
        "contract",
        "access",
        "constraints",
        "primary_key",
    ];
    assert_eq!(keys, expected);
    assert_eq!(seen["refs"], json!([{"name": "raw_orders"}]));
    assert_eq!(seen["config"]["post-hook"], json!([{"sql": "select 'post {{ this }}'", "transaction": false}]));
    assert!(seen["config"].get("group").is_none());
}

#[test]
fn templates_see_the_graph_with_every_key() {
    let project = sample::manifest();
    let graph = view::graph(&project.nodes, &project.sources, &project.kept, &project.groups);
    let keys: Vec<&String> = graph.as_object().expect("a map").keys().collect();
    let sections =
        ["exposures", "functions", "groups", "metrics", "nodes", "sources", "semantic_models", "saved_queries"];
    assert_eq!(keys, sections);
    let node = &graph["nodes"]["model.every.customers.v2"];
    assert_eq!(node["primary_key"], json!(["customer_id"]));
    assert_eq!(node["group"], Json::Null);
    assert_eq!(graph["nodes"].get("unit_test.every.orders.orders_join"), None);
    assert_eq!(graph["exposures"]["exposure.every.weekly"]["owner"]["name"], json!("Ann"));
    assert_eq!(graph["groups"]["group.every.finance"]["owner"]["slack"], json!("fin"));
}

#[test]
fn docs_beside_the_configuration_become_part_of_it() {
    let mut node = sample::manifest().nodes["model.every.grown"].clone();
    node.extra.insert("docs".into(), json!({"show": false}));
    let seen = view::full(&node, None, &[], &view::Stamp::default());
    assert_eq!(seen["docs"], json!({"show": false, "node_color": null}));
    assert_eq!(seen["config"]["docs"], seen["docs"]);
}
