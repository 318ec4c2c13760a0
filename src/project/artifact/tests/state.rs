//! Reading back, and what counts as a change.

use super::sample::{self, fixture};
use crate::project::artifact::read::{self, PreviousManifest};
use crate::project::artifact::run_results::Status;
use crate::project::database::RelationName;
use crate::project::manifest::state::{Change, Comparison};
use crate::project::manifest::{MacroInfo, Manifest, Node, SourceTable};
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn previous() -> PreviousManifest {
    read::manifest("manifest.json", &fixture("dbt/manifest.json").to_string()).expect("dbt's manifest is read")
}

/// What holds of a node when the project has changed since.
fn changes(id: &str, change: impl FnOnce(&mut Manifest)) -> Vec<&'static str> {
    let mut now = sample::manifest();
    change(&mut now);
    let before = previous();
    let comparison = Comparison::new(&now, &before);
    Change::ALL.into_iter().filter(|(_, change)| comparison.holds(id, *change)).map(|(word, _)| word).collect()
}

fn edit<'a>(now: &'a mut Manifest, id: &str) -> &'a mut Node {
    Arc::make_mut(&mut now.nodes).get_mut(id).expect("a node")
}

fn edit_source<'a>(now: &'a mut Manifest, id: &str) -> &'a mut SourceTable {
    Arc::make_mut(&mut now.sources).get_mut(id).expect("a source")
}

const ORDERS: &str = "model.every.orders";
const SOURCE: &str = "source.every.shop.orders";

#[test]
fn the_same_project_has_not_changed() {
    let (now, before) = (sample::manifest(), previous());
    let comparison = Comparison::new(&now, &before);
    let ids: Vec<&String> = now.nodes.keys().chain(now.sources.keys()).chain(now.kept.keys()).collect();
    assert_eq!(ids.len(), before.ids().count());
    for id in ids {
        let held: Vec<&str> =
            Change::ALL.into_iter().filter(|(_, change)| comparison.holds(id, *change)).map(|(word, _)| word).collect();
        assert_eq!(held, ["old", "unmodified"], "{id}");
    }
}

#[test]
fn each_part_of_a_model_that_changes_is_told() {
    let text = changes(ORDERS, |now| edit(now, ORDERS).raw_code.push_str(" -- more"));
    assert_eq!(text, ["old", "modified", "modified.body"]);
    let config = changes(ORDERS, |now| {
        edit(now, ORDERS).unrendered_config.insert("materialized".into(), json!("incremental"));
    });
    assert_eq!(config, ["old", "modified", "modified.configs"]);
    let alias = changes(ORDERS, |now| {
        edit(now, ORDERS).unrendered_config.insert("alias".into(), json!("o"));
    });
    assert_eq!(alias, ["old", "modified", "modified.relation"]);
    let tags = changes(ORDERS, |now| {
        edit(now, ORDERS).unrendered_config.insert("tags".into(), json!(["other"]));
    });
    assert_eq!(tags, ["old", "unmodified"]);
    let description = changes(ORDERS, |now| edit(now, ORDERS).columns[0].description = "Other.".into());
    assert_eq!(description, ["old", "modified", "modified.persisted_descriptions"]);
    let contract = changes(ORDERS, |now| edit(now, ORDERS).columns[0].data_type = Some("bigint".into()));
    assert_eq!(contract, ["old", "modified", "modified.contract"]);
    let access = changes(ORDERS, |now| edit(now, ORDERS).access = "private".into());
    assert_eq!(access, ["old", "modified"]);
}

#[test]
fn a_broken_promise_of_a_contract_is_told() {
    let (mut now, before) = (sample::manifest(), previous());
    assert!(Comparison::new(&now, &before).contract_breaks(ORDERS).is_empty());
    edit(&mut now, ORDERS).columns.remove(0);
    assert_eq!(Comparison::new(&now, &before).contract_breaks(ORDERS), ["Column \"id\" was removed."]);
}

#[test]
fn a_description_that_no_comment_keeps_is_no_change() {
    let held = changes("model.every.grown", |now| edit(now, "model.every.grown").description = "Other.".into());
    assert_eq!(held, ["old", "unmodified"]);
}

#[test]
fn a_seed_changes_with_its_file() {
    let held = changes("seed.every.raw_orders", |now| edit(now, "seed.every.raw_orders").checksum = "0".into());
    assert_eq!(held, ["old", "modified", "modified.body"]);
}

#[test]
fn a_macro_changes_those_that_call_it_and_those_that_call_these() {
    let change = |now: &mut Manifest| now.macros.get_mut("macro.every.note").expect("a macro").text.push(' ');
    let hook = "operation.every.every-on-run-end-0";
    assert_eq!(changes(hook, change), ["old", "modified", "modified.macros"]);
    assert_eq!(changes(ORDERS, change), ["old", "unmodified"]);
    let through = changes(ORDERS, |now| {
        change(now);
        edit(now, ORDERS).macros.push("macro.every.unused_inner".into());
    });
    assert_eq!(through, ["old", "modified", "modified.macros"]);
}

#[test]
fn macros_that_come_with_the_program_are_not_the_projects() {
    let with_macro = |id: &'static str| {
        changes(ORDERS, move |now| {
            let text = "{% macro is_incremental() %}{% endmacro %}".to_owned();
            now.macros.insert(id.into(), MacroInfo { id: id.into(), text, ..MacroInfo::default() });
            edit(now, ORDERS).macros.push(id.into());
        })
    };
    assert_eq!(with_macro("macro.dbt.is_incremental"), ["old", "unmodified"]);
    assert_eq!(with_macro("macro.every.is_incremental"), ["old", "modified", "modified.macros"]);
}

#[test]
fn what_is_new_has_changed_in_every_part_except_a_source() {
    let model = changes("model.every.fresh", |now| {
        let node = Node { id: "model.every.fresh".into(), ..now.nodes[ORDERS].clone() };
        Arc::make_mut(&mut now.nodes).insert("model.every.fresh".into(), node);
    });
    let parts = [
        "modified.body",
        "modified.configs",
        "modified.relation",
        "modified.persisted_descriptions",
        "modified.contract",
    ];
    assert_eq!(model[..2], ["new", "modified"]);
    assert_eq!(model[2..], parts);
    let source = changes("source.every.shop.fresh", |now| {
        let table = now.sources[SOURCE].clone();
        Arc::make_mut(&mut now.sources).insert("source.every.shop.fresh".into(), table);
    });
    assert_eq!(source, ["new", "unmodified", "modified.configs", "modified.relation"]);
}

#[test]
fn sources_exposures_and_unit_tests_have_their_own_rules() {
    let moved = changes(SOURCE, |now| edit_source(now, SOURCE).relation.schema = "elsewhere".into());
    assert_eq!(moved, ["old", "modified", "modified.relation"]);
    let described = changes(SOURCE, |now| edit_source(now, SOURCE).description = "Other.".into());
    assert_eq!(described, ["old", "unmodified"]);
    let weekly = "exposure.every.weekly";
    let order = changes(weekly, |now| now.kept.get_mut(weekly).expect("it").depends_on.reverse());
    assert_eq!(order, ["old", "unmodified"]);
    let fewer = changes(weekly, |now| now.kept.get_mut(weekly).expect("it").depends_on.truncate(1));
    assert_eq!(fewer, ["old", "modified"]);
    let test = "unit_test.every.orders.orders_join";
    let expected = changes(test, |now| edit(now, test).extra["expect"] = json!({"rows": []}));
    assert_eq!(expected, ["old", "modified"]);
    let described = changes(test, |now| edit(now, test).description = "Other.".into());
    assert_eq!(described, ["old", "unmodified"]);
}

#[test]
fn deferring_finds_relations_of_what_was_built() {
    let before = previous();
    let staged = RelationName { database: "d".into(), schema: "s".into(), identifier: "orders_staged".into() };
    assert_eq!(before.relation("model.every.stg_orders"), Some(staged));
    assert_eq!(before.relation("model.every.eph"), None, "an ephemeral model has no relation");
    assert_eq!(before.relation("model.every.nowhere"), None);
}

#[test]
fn results_and_ages_are_read_back() {
    let run = read::run_results("run_results.json", &fixture("dbt/run_results.json").to_string()).expect("results");
    assert_eq!(run.status(ORDERS), Some(Status::Success));
    assert_eq!(run.status("model.every.nowhere"), None);
    assert!(run.with_status(Status::NoOp).any(|id| id == "exposure.every.bare"));
    let batches = run.results.iter().find(|result| result.unique_id == "model.every.batches").expect("the model");
    assert!(!batches.successful_batches.is_empty());
    let ages = read::sources("sources.json", &fixture("dbt/sources.json").to_string()).expect("ages");
    assert_eq!(ages[0].unique_id, SOURCE);
    assert_eq!(ages[0].max_loaded_at.map(|at| at.to_rfc3339()), Some("2024-01-03T00:00:00+00:00".into()));
}

#[test]
fn files_that_are_no_such_artifact_are_refused_with_a_reason() {
    let refused = |text: &str| read::manifest("old/manifest.json", text).expect_err("refused").report();
    let of = |url: &str| refused(&json!({"metadata": {"dbt_schema_version": url}}).to_string());
    insta::assert_snapshot!(
        [
            refused("{\"metadata\": "),
            refused("[]"),
            refused("{}"),
            of("https://schemas.getdbt.com/dbt/manifest/v2.json"),
            of("https://schemas.getdbt.com/dbt/catalog/v1.json"),
        ]
        .join("\n\n")
    );
    let status = json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"},
        "results": [{"unique_id": "model.a.b", "status": "splendid"}],
    });
    let error = read::run_results("run_results.json", &status.to_string()).expect_err("refused");
    assert!(error.message.contains("\"splendid\""), "{error}");
}

#[test]
fn unknown_keys_are_no_trouble() {
    let mut document: Json = fixture("dbt/manifest.json");
    document["from_the_future"] = json!(1);
    document["nodes"][ORDERS]["from_the_future"] = json!({"a": [1]});
    let before = read::manifest("manifest.json", &document.to_string()).expect("it is read");
    assert!(!Comparison::new(&sample::manifest(), &before).holds(ORDERS, Change::Modified));
}
