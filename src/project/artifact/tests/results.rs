//! Results, ages and the catalogue against what dbt-core writes for the sample project.

use super::sample::{self, fixture};
use super::schema::departures;
use super::{assert_same, invocation};
use crate::project::artifact::catalog::{CatalogColumn, CatalogKind, CatalogRelation, catalog};
use crate::project::artifact::run_results::{BatchResults, NodeResult, Span, Status, Timing, run_results};
use crate::project::artifact::sources::{Age, Freshness, SourceResult, sources};
use crate::project::database::RelationName;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

fn at(value: &Json) -> DateTime<Utc> {
    let text = value.as_str().expect("an instant");
    DateTime::parse_from_rfc3339(text).expect(text).with_timezone(&Utc)
}

fn maybe(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn timing(steps: &Json) -> Timing {
    let span = |name: &str| {
        let step = steps.as_array().expect("steps").iter().find(|step| step["name"] == json!(name))?;
        Some(Span { started_at: at(&step["started_at"]), completed_at: at(&step["completed_at"]) })
    };
    Timing { compile: span("compile"), execute: span("execute") }
}

fn batches(value: &Json) -> Option<BatchResults> {
    let list = |key: &str| value[key].as_array().expect("batches").iter().map(|b| (at(&b[0]), at(&b[1]))).collect();
    value.is_object().then(|| BatchResults { successful: list("successful"), failed: list("failed") })
}

fn node_result(entry: &Json) -> NodeResult {
    NodeResult {
        unique_id: maybe(&entry["unique_id"]).expect("an id"),
        status: entry["status"].as_str().and_then(Status::from_word).expect("a status"),
        timing: timing(&entry["timing"]),
        thread_id: maybe(&entry["thread_id"]).expect("a thread"),
        execution_time_seconds: entry["execution_time"].as_f64().expect("seconds"),
        adapter_response: entry["adapter_response"].as_object().expect("a map").clone(),
        message: maybe(&entry["message"]),
        failures: entry["failures"].as_i64(),
        compiled: entry["compiled"].as_bool(),
        compiled_code: maybe(&entry["compiled_code"]),
        relation_name: maybe(&entry["relation_name"]),
        batch_results: batches(&entry["batch_results"]),
    }
}

fn by_id(document: &Json) -> Json {
    let list = document["results"].as_array().expect("results").iter();
    list.map(|entry| (maybe(&entry["unique_id"]).expect("an id"), entry.clone())).collect()
}

#[test]
fn run_results_equal_those_of_dbt_core() {
    let dbts = fixture("dbt/run_results.json");
    let results: Vec<NodeResult> = dbts["results"].as_array().expect("results").iter().map(node_result).collect();
    assert!(results.iter().any(|result| result.batch_results.is_some()), "the sample has a microbatch model");
    let args = Map::from_iter([("which".to_owned(), json!("build"))]);
    let ours = run_results(&results, 1.5, &args, &invocation());
    assert_same("results", &by_id(&ours), &by_id(&dbts));
    assert_eq!(ours["elapsed_time"], json!(1.5));
    assert_eq!(ours["args"], json!({"which": "build"}));
    assert_eq!(departures(&ours, &fixture("schemas/run_results_v6.json")), [""; 0]);
}

#[test]
fn ages_of_sources_equal_those_of_dbt_core() {
    let dbts = fixture("dbt/sources.json");
    let entry = &dbts["results"][0];
    let age = Age {
        unique_id: maybe(&entry["unique_id"]).expect("an id"),
        max_loaded_at: at(&entry["max_loaded_at"]),
        snapshotted_at: at(&entry["snapshotted_at"]),
        status: Freshness::Warn,
        criteria: entry["criteria"].clone(),
        adapter_response: entry["adapter_response"].as_object().expect("a map").clone(),
        timing: timing(&entry["timing"]),
        thread_id: maybe(&entry["thread_id"]).expect("a thread"),
        execution_time_seconds: entry["execution_time"].as_f64().expect("seconds"),
    };
    let unreachable =
        SourceResult::Failed { unique_id: "source.every.shop.unmade".into(), error: "no such table".into() };
    let ours = sources(&[SourceResult::Known(Box::new(age)), unreachable], 0.5, &invocation());
    assert_eq!(ours["results"][0].to_string(), entry.to_string());
    let failed = json!({"unique_id": "source.every.shop.unmade", "error": "no such table", "status": "runtime error"});
    assert_eq!(ours["results"][1], failed);
    assert_eq!(departures(&ours, &fixture("schemas/sources_v3.json")), [""; 0]);
}

fn relation(table: &Json) -> CatalogRelation {
    let metadata = &table["metadata"];
    let text = |key: &str| maybe(&metadata[key]).unwrap_or_default();
    let column = |column: &Json| CatalogColumn {
        index: column["index"].as_i64().expect("a position"),
        name: maybe(&column["name"]).expect("a name"),
        data_type: maybe(&column["type"]).expect("a type"),
        comment: maybe(&column["comment"]),
    };
    CatalogRelation {
        name: RelationName { database: text("database"), schema: text("schema"), identifier: text("name") },
        kind: [CatalogKind::BaseTable, CatalogKind::View, CatalogKind::MaterializedView]
            .into_iter()
            .find(|kind| kind.as_str() == text("type"))
            .expect("a kind"),
        comment: maybe(&metadata["comment"]),
        owner: text("owner"),
        columns: table["columns"].as_object().expect("columns").values().map(column).collect(),
    }
}

#[test]
fn the_catalogue_equals_that_of_dbt_core() {
    let dbts = fixture("dbt/catalog.json");
    let tables =
        dbts["nodes"].as_object().expect("nodes").values().chain(dbts["sources"].as_object().expect("s").values());
    let mut relations: Vec<CatalogRelation> = tables.map(relation).collect();
    let stranger = RelationName { database: "d".into(), schema: "s".into(), identifier: "stranger".into() };
    relations.push(CatalogRelation { name: stranger, ..CatalogRelation::default() });
    let ours = catalog(&sample::manifest(), &relations, &[], &invocation());
    assert_same("nodes", &ours["nodes"], &dbts["nodes"]);
    assert_same("sources", &ours["sources"], &dbts["sources"]);
    assert_eq!(ours["errors"], Json::Null);
    assert_eq!(departures(&ours, &fixture("schemas/catalog_v1.json")), [""; 0]);
}

#[test]
fn a_relation_is_found_whatever_the_case_of_its_name() {
    let name = RelationName { database: "D".into(), schema: "S".into(), identifier: "RAW_ORDERS".into() };
    let relations = [CatalogRelation { name, ..CatalogRelation::default() }];
    let ours = catalog(&sample::manifest(), &relations, &["x is gone".to_owned()], &invocation());
    assert_eq!(ours["nodes"]["seed.every.raw_orders"]["metadata"]["name"], json!("RAW_ORDERS"));
    assert_eq!(ours["sources"]["source.every.shop.orders"]["unique_id"], json!("source.every.shop.orders"));
    assert_eq!(ours["errors"], json!(["x is gone"]));
}
