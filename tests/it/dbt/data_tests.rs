//! Data tests and unit tests: how a failure is judged, kept and told, and what it stops.

use super::support::Place;

const ORDERS: &str = "=== models/orders.sql\nselect * from (values (1, 'paid'), (1, 'open'), (2, 'lost')) v (id, status)\n\
    === models/report.sql\nselect count(*) as n from {{ ref('orders') }}\n";

/// A project whose `orders` has these lines under the `data_tests:` of its column `id`.
async fn tested(lines: &[&str]) -> Place {
    let tests: String = lines.iter().map(|line| format!("          {line}\n")).collect();
    let yaml = format!(
        "=== models/schema.yml\nmodels:\n  - name: orders\n    columns:\n      - name: id\n        data_tests:\n{tests}"
    );
    Place::of(&format!("{ORDERS}{yaml}")).await
}

/// Statuses of the last run's tests, by name.
fn statuses(place: &Place) -> String {
    let results = place.artifact("run_results.json");
    let mut told: Vec<String> = results["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|result| {
            let id = result["unique_id"].as_str().unwrap_or_default();
            format!("{} {}", id.split('.').nth(2).unwrap_or_default(), result["status"].as_str().unwrap_or_default())
        })
        .collect();
    told.sort();
    told.join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_test_skips_what_is_built_on_its_model() {
    let place = tested(&["- unique"]).await;
    let told = place.bad(&["build"]);
    assert_eq!(statuses(&place), "orders success, report skipped, unique_orders_id fail");
    insta::assert_snapshot!(told);
    assert_eq!(place.rows("SELECT to_regclass('shop.report')").await, "-");
    assert_eq!(place.run(&["run"]).code, 0, "run builds without tests");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_judged_by_severity_thresholds_where_and_limit() {
    let place = tested(&[
        "- unique: {name: warns, config: {severity: warn}}",
        "- unique: {name: few, config: {error_if: '>5', warn_if: '>3'}}",
        "- unique: {name: elsewhere, config: {where: \"status <> 'open'\"}}",
        "- accepted_values: {name: limited, arguments: {values: [7]}, config: {limit: 1, error_if: '>1', warn_if: '=1'}}",
    ])
    .await;
    place.good(&["build"]);
    assert_eq!(statuses(&place), "elsewhere pass, few pass, limited warn, orders success, report success, warns warn");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_break_a_rule_are_kept_where_that_is_asked_for() {
    let place = tested(&["- unique: {config: {store_failures: true, alias: twice}}"]).await;
    assert_eq!(place.run(&["build"]).code, 1);
    assert_eq!(place.rows("SELECT unique_field, n_records FROM shop_dbt_test__audit.twice").await, "1|2");
    place.edit("models/orders.sql", "(1, 'open'), ", "");
    place.good(&["build"]);
    assert_eq!(place.rows("SELECT count(*) FROM shop_dbt_test__audit.twice").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_test_draws_the_difference_and_stops_its_model() {
    let place = Place::of(&format!(
        "{ORDERS}=== models/schema.yml\nunit_tests:\n  - name: all_are_counted\n    model: report\n    given:\n\
         \x20     - input: ref('orders')\n        rows: [{{id: 1}}, {{id: 2}}]\n    expect:\n      rows: [{{n: 3}}]\n"
    ))
    .await;
    let told = place.bad(&["build"]);
    insta::assert_snapshot!(told);
    assert_eq!(place.rows("SELECT to_regclass('shop.report')").await, "-");
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_fast_leaves_the_rest() {
    let place = Place::of(
        "=== models/a.sql\nselect 1 / 0 as a\n=== models/b.sql\n{{ config(materialized='table') }}\nselect 1 as b\n",
    )
    .await;
    place.edit("models/a.sql", "select", "{{ config(materialized='table') }}\nselect");
    assert_eq!(place.run(&["run", "--fail-fast", "--threads", "1"]).code, 1);
    assert_eq!(statuses(&place), "a error, b skipped");
    assert_eq!(place.run(&["run", "--threads", "1"]).code, 1);
    assert_eq!(statuses(&place), "a error, b success");
}
