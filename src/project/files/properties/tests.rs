//! Property files as dbt 1.11 reads them: what is typed, what is rendered, and what is complained about.

use super::*;
use crate::project::files::config;
use crate::project::files::tests::{file, render, told};
use serde_json::json;

fn schema(text: &str) -> (Properties, Vec<String>) {
    let mut problems = Vec::new();
    let properties = read(&file("models/schema.yml", text), &render, &mut problems);
    (properties, told(&problems))
}

pub(in crate::project::files) const SCHEMA: &str = "
version: 2
models:
  - name: orders
    description: \"{{ doc('orders') }}\"
    meta: {owner: ann}
    access: public
    config: {schema: \"{{ target.name }}\", pre_hook: \"select {{ this }}\"}
    constraints: [{type: primary_key, columns: [id]}]
    latest_version: 1
    columns:
      - name: id
        data_type: int
        tags: key
        data_tests:
          - unique
          - dbt_utils.in_range: {arguments: {min: \"{{ later }}\"}, config: {severity: warn, where: 'id > 0'}}
          - accepted_values: {values: [1, 2], name: id_ok, limit: 5}
          - {test_name: not_null, config: {tags: [slow]}, description: why}
      - {name: note}
    versions:
      - v: 1
        columns: [{include: all, exclude: [note]}, {name: extra}]
      - v: 2
        defined_in: orders_new
        data_tests: []
    tests: [row_count]
snapshots:
  - {name: history, relation: \"ref('orders')\", config: {strategy: check, unique_key: id, check_cols: all}}
sources:
  - name: raw
    schema: \"{{ target.name }}\"
    freshness: {warn_after: {count: 12, period: hour}, filter: x > 1}
    loaded_at_field: at
    tables:
      - {name: orders, identifier: Orders, freshness: null, tests: [row_count]}
      - {name: lines, freshness: {warn_after: {count: 1, period: day}, error_after: null}}
unit_tests:
  - name: adds
    model: orders
    given: [{input: \"ref('a')\", rows: [{id: 1}]}, {input: this, format: csv, fixture: f}]
    expect: {format: sql, rows: select 1}
    overrides: {macros: {is_incremental: true}, vars: {x: 1}}
macros:
  - {name: cents, arguments: [{name: column, type: string, description: \"{{ doc('c') }}\"}]}
groups: [{name: finance, owner: {name: Ann}}]
metrics: [{name: m, label: M, type: simple, type_params: {measure: x}, filter: \"{{ Dimension('a') }} > 1\"}]
";

#[test]
fn a_property_file_is_typed_and_rendered_where_dbt_renders() {
    let (found, problems) = schema(SCHEMA);
    assert_eq!(problems, [] as [String; 0]);
    let orders = &found.models[0];
    assert_eq!((orders.description.as_str(), orders.line), ("{{ doc('orders') }}", 4));
    let config =
        json!({"schema": "dev", "pre-hook": "select {{ this }}", "meta": {"owner": "ann"}, "access": "public"});
    assert_eq!(Json::Object(orders.config.clone()), config);
    assert_eq!(orders.json["config"]["schema"], "{{ target.name }}");
    let id = &orders.columns[0];
    assert_eq!((id.data_type.as_deref(), id.tags.as_slice()), (Some("int"), ["key".to_owned()].as_slice()));
    let tests: Vec<_> = id
        .data_tests
        .iter()
        .map(|t| (t.namespace.as_deref(), t.name.as_str(), json!(t.arguments), json!(t.config)))
        .collect();
    let expected = [
        (None, "unique", json!({"column_name": "id"}), json!({})),
        (
            Some("dbt_utils"),
            "in_range",
            json!({"column_name": "id", "min": "{{ later }}"}),
            json!({"severity": "warn", "where": "id > 0"}),
        ),
        (None, "accepted_values", json!({"values": [1, 2], "column_name": "id"}), json!({"limit": 5})),
        (None, "not_null", json!({"column_name": "id"}), json!({"tags": ["slow"]})),
    ];
    assert_eq!(tests, expected);
    assert_eq!(
        (id.data_tests[2].custom_name.as_deref(), id.data_tests[3].description.as_str()),
        (Some("id_ok"), "why")
    );
    let names = |v: usize| orders.columns_of(&orders.versions[v]).into_iter().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!((names(0), names(1)), (vec!["id".to_owned(), "extra".into()], vec!["id".to_owned(), "note".into()]));
    assert_eq!((orders.tests_of(&orders.versions[0]).len(), orders.tests_of(&orders.versions[1]).len()), (1, 0));
    assert_eq!((orders.latest(), found.snapshots[0].latest()), (Some("1"), None));
    assert_eq!(found.snapshots[0].relation.as_deref(), Some("ref('orders')"));
    let raw = &found.sources[0];
    assert_eq!((raw.schema.as_deref(), raw.tables[0].identifier.as_deref()), (Some("dev"), Some("Orders")));
    assert_eq!((raw.tables[0].own.freshness.clone(), raw.tables[0].data_tests.len()), (Some(None), 1));
    let own = raw.tables[1].own.freshness.clone().flatten().unwrap_or_default();
    let merged = own.over(&raw.defaults.freshness.clone().flatten().unwrap_or_default());
    let day = Period { count: 1, period: "day".into() };
    assert_eq!(day.seconds(), 86_400);
    assert_eq!(
        merged,
        Freshness { warn_after: Some(Some(day)), error_after: Some(None), filter: Some("x > 1".into()) }
    );
    let adds = &found.unit_tests[0];
    assert_eq!((adds.given[0].rows.clone(), adds.given[1].fixture.as_deref()), (json!([{"id": 1}]), Some("f")));
    assert_eq!((adds.expect.format.as_str(), json!(adds.macros)), ("sql", json!({"is_incremental": true})));
    assert_eq!(found.macros[0].arguments[0].description, "{{ doc('c') }}");
    assert_eq!(
        (found.groups[0].name.as_str(), found.metrics[0].json["filter"].clone()),
        ("finance", json!("{{ Dimension('a') }} > 1"))
    );
}

#[test]
fn meta_and_tags_of_two_places_count_as_in_dbt() {
    let (found, problems) = schema(
        "models: [{name: m, tags: [beside], columns: [{name: id, tags: [c1], meta: {a: 1}, config: {tags: c2, meta: {b: 2}}}]}]\n\
         sources:\n  - name: raw\n    tags: [s1]\n    meta: {s: 1}\n    config: {tags: [s2], meta: {s: 2, t: 3}}\n\
         \x20   tables: [{name: t, tags: [t1, s1], meta: {t: 1}, config: {tags: [t2], meta: {u: 5}}}, {name: v}]\n\
         exposures: [{name: e, type: dashboard, owner: {name: a}, tags: [e1], meta: {a: 1}, config: {tags: [e2], meta: {b: 2}}}]\n",
    );
    assert_eq!(problems, ["warning 1: tags of model \"m\" are not read beside config | move them under config"]);
    assert!(found.models[0].config.is_empty());
    let id = &found.models[0].columns[0];
    assert_eq!((json!(id.tags), json!(id.meta)), (json!(["c1", "c2"]), json!({"a": 1, "b": 2})));
    let raw = &found.sources[0];
    let expected = json!({"tags": ["s1", "s2", "t1", "t2"], "meta": {"s": 2, "t": 1, "u": 5}});
    assert_eq!(Json::Object(raw.config_of(&raw.tables[0])), expected);
    let mut layers = json!({"tags": ["p0"], "meta": {"p": 0}}).as_object().cloned().unwrap_or_default();
    config::merge_source(&mut layers, &raw.config_of(&raw.tables[1]));
    assert_eq!(Json::Object(layers), json!({"tags": ["s1", "s2"], "meta": {"p": 0, "s": 2, "t": 3}}));
    assert_eq!(
        Json::Object(found.exposures[0].config.clone()),
        json!({"tags": ["e1", "e2"], "meta": {"a": 1, "b": 2}})
    );
}

#[test]
fn all_problems_of_a_property_file_come_at_once() {
    let (_, problems) = schema(
        "models:\n  - name: a\n    descripton: x\n    config: {materialised: view}\n    latest_version: 3\n    versions: [{v: 1}, {v: 1}]\n\
         \x20   columns:\n      - data_type: int\n      - name: b\n        tests:\n          - unique:\n            severity: warn\n\
         \x20         - not_null: {config: {severity: warn}, severity: error}\n          - accepted_values: {model: x}\n          - 5\n\
         \x20 - a\nsources:\n  - {name: s, tables: [{name: t}, {name: t, freshness: {warn_after: {count: 1, period: week}}}]}\nmodles: []\n\
         unit_tests:\n  - {name: u, model: m, given: [{rows: []}], expect: {rows: x}}\nexposures: [{name: e}]\n",
    );
    let expected = [
        "warning 19: \"models/schema.yml\" has an unknown key \"modles\" | did you mean \"models\"?",
        "warning 3: a model has an unknown key \"descripton\" | did you mean \"description\"?",
        "warning 4: config of model \"a\" has an unknown key \"materialised\" | did you mean \"materialized\"?",
        "error 8: a column of model \"a\" has no name | add a line name: ...",
        "error 11: a data test of column \"b\" of model \"a\" has 2 keys beside each other | indent the arguments below the test's name, two spaces more",
        "error 13: data test \"not_null\" of column \"b\" of model \"a\" sets \"severity\" twice | keep the one under config",
        "error 14: data test \"accepted_values\" of column \"b\" of model \"a\" has an argument \"model\" | leave it out: the model is the one the test stands at",
        "error 15: a data test of column \"b\" of model \"a\" must be a name or a map, not a number | write - unique, or - accepted_values: with arguments below",
        "error 6: model \"a\" has version 1 twice | keep one of the two",
        "error 5: model \"a\" has no version 3, its latest_version | known versions: 1, 1",
        "error 16: a model must be a map, not text | write key: value lines",
    ];
    assert_eq!(problems[..expected.len()], expected);
    let rest = problems[expected.len()..].join("\n");
    for part in [
        "period \"week\"",
        "source \"s\" has table \"t\" twice",
        "a given input of unit test \"u\" has no input",
        "rows of expect of unit test \"u\" must be a list of maps",
        "exposure \"e\" has no type",
    ] {
        assert!(rest.contains(part), "{part} not in\n{rest}");
    }
}

#[test]
fn a_problem_points_at_its_word() {
    let mut problems = Vec::new();
    let _ = read(&file("models/s.yml", "models:\n  - name: a\n    colums: []\n"), &render, &mut problems);
    let error = problems.remove(0).into_error();
    assert_eq!(error.detail.as_deref(), Some("models/s.yml:3:\n3 |     colums: []\n  |     ^^^^^^"));
    assert_eq!(error.hint.as_deref(), Some("did you mean \"columns\"?"));
}

#[test]
fn the_bundled_property_files_read_without_a_word() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["models/staging", "models/marts", "models/analytics", "models/personas", "seeds"] {
        let path = format!("{folder}/schema.yml");
        let text = std::fs::read_to_string(root.join(&path)).expect(&path);
        let mut problems = Vec::new();
        let found = read(&file(&path, &text), &render, &mut problems);
        assert_eq!(told(&problems), [] as [String; 0], "{path}");
        count += found.models.len() + found.seeds.len() + found.sources.len();
    }
    assert!(count > 15, "{count}");
}
