//! The commands beside `build`: what they print and write.

use super::support::Place;

#[path = "../../../src/project/artifact/tests/schema.rs"]
mod schema;

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_as_dbts_schemas_want_them() {
    let place = Place::shop().await;
    place.good(&["build"]);
    place.good(&["source", "freshness"]);
    place.good(&["docs", "generate"]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/artifacts/schemas");
    for (artifact, file) in [
        ("manifest.json", "manifest_v12.json"),
        ("run_results.json", "run_results_v6.json"),
        ("catalog.json", "catalog_v1.json"),
        ("sources.json", "sources_v3.json"),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a schema");
        let schema = serde_json::from_str(&text).expect("JSON");
        assert_eq!(schema::departures(&place.artifact(artifact), &schema), Vec::<String>::new(), "{artifact}");
    }
    let catalog = place.artifact("catalog.json");
    assert_eq!(catalog["nodes"]["model.shop.customers"]["columns"]["revenue"]["type"], "numeric");
}

#[tokio::test(flavor = "multi_thread")]
async fn show_and_run_operation_answer() {
    let place = Place::shop().await;
    place.good(&["build"]);
    let told = place.run(&["show", "--select", "customers", "--limit", "1"]);
    assert!(told.code == 0 && told.stdout.contains("first_month"), "{}{}", told.stdout, told.stderr);
    let told = place.run(&["show", "--inline", "select count(*) as n from {{ ref('stg_orders') }}"]);
    assert!(told.code == 0 && told.stdout.contains('5'), "{}{}", told.stdout, told.stderr);
    place.write("macros/note.sql", "{% macro note(what) %}{% do run_query(log_run(what)) %}{% endmacro %}\n");
    place.good(&["run-operation", "note", "--args", "{what: by hand}"]);
    assert_eq!(place.rows("SELECT count(*) FROM shop.run_log WHERE what = 'by hand'").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_tells_what_is_stale() {
    let place = Place::shop().await;
    place.good(&["build", "--select", "raw_customers"]);
    place.good(&["source", "freshness"]);
    place.sql("UPDATE shop.run_log SET at = now() - interval '1 day'").await;
    let stale = place.run(&["source", "freshness"]);
    assert_eq!(stale.code, 0, "{}", stale.stderr);
    assert_eq!(place.artifact("sources.json")["results"][0]["status"], "warn");
    place.edit("models/sources.yml", "warn_after: {count: 12, period: hour}", "error_after: {count: 12, period: hour}");
    assert_eq!(place.run(&["source", "freshness"]).code, 1);
}
