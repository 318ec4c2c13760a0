//! Unit tests as dictionaries, with the checksum that tells whether one changed.

use super::Stamp;
use super::config::config;
use super::node::version;
use super::shape::{extend, fill_value, object};
use crate::project::manifest::digest::sha256_hex;
use crate::project::manifest::node::Node;
use crate::project::manifest::test_name::python_repr;
use serde_json::{Map, Value as Json, json};

/// Every key that dbt has for a unit test, in its order.
pub fn dict(node: &Node, stamp: &Stamp) -> Map<String, Json> {
    let part = |key: &str| node.extra.get(key).filter(|value| !value.is_null());
    let given: Vec<Json> = part("given").and_then(Json::as_array).into_iter().flatten().map(input).collect();
    let expect = rows(part("expect"), json!({"rows": null, "format": "dict", "fixture": null}));
    let overrides = part("overrides").map(|o| fill_value(json!({"macros": {}, "vars": {}, "env_vars": {}}), Some(o)));
    let versions = part("versions").map(|v| fill_value(json!({"include": null, "exclude": null}), Some(v)));
    let mut dict = object(json!({
        "model": part("model"),
        "given": given,
        "expect": expect,
        "name": node.name,
        "resource_type": "unit_test",
        "package_name": node.package,
        "path": node.path,
        "original_file_path": node.file,
        "unique_id": node.id,
        "fqn": node.fqn,
        "description": node.description,
        "overrides": overrides,
        "depends_on": {"macros": [], "nodes": parents(node)},
        "config": config(node),
        "checksum": null,
        "schema": node.schema,
    }));
    let checksum = checksum(&dict, versions.as_ref());
    dict.insert("checksum".to_owned(), json!(checksum));
    if let Some(created_at) = stamp.created_at {
        dict.insert("created_at".to_owned(), json!(created_at));
    }
    extend(&mut dict, json!({"versions": versions, "version": version(node.version.as_deref())}));
    dict
}

/// The model alone; the relations that its rows stand for only lend the types of their columns.
pub fn parents(node: &Node) -> &[String] {
    let attached = node.test.as_ref().and_then(|test| test.attached.as_ref());
    attached.map_or(node.depends_on.as_slice(), std::slice::from_ref)
}

fn input(written: &Json) -> Json {
    rows(Some(written), json!({"input": null, "rows": null, "format": "dict", "fixture": null}))
}

/// Rows given as CSV text become dictionaries of texts.
fn rows(written: Option<&Json>, pattern: Json) -> Json {
    let mut filled = fill_value(pattern, written);
    let is_csv = filled.get("format").and_then(Json::as_str) == Some("csv");
    if let (true, Some(text)) = (is_csv, filled["rows"].as_str()) {
        filled["rows"] = parsed_csv(text);
    }
    filled
}

/// Text that is no CSV stays as it is: the run of the test tells what is wrong with it.
fn parsed_csv(text: &str) -> Json {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else { return json!(text) };
    let row = |record: csv::StringRecord| -> Json {
        let value = |field: &str| if field.is_empty() { Json::Null } else { json!(field) };
        header.iter().map(str::to_owned).zip(record.iter().map(value)).collect()
    };
    match reader.records().collect::<Result<Vec<_>, _>>() {
        Ok(records) => records.into_iter().map(row).collect(),
        Err(_) => json!(text),
    }
}

/// Everything but the description, as Python prints dbt's objects: either tool can judge the other's state.
fn checksum(dict: &Map<String, Json>, versions: Option<&Json>) -> String {
    let given = dict["given"].as_array().into_iter().flatten();
    let inputs: Vec<String> = given.clone().map(|input| print("UnitTestInputFixture", input)).collect();
    let optional = |class: &str, value: Option<&Json>| match value {
        Some(value) if value.is_object() => print(class, value),
        _ => "None".to_owned(),
    };
    let mut state = format!(
        "{}-{}-[{}]-{}-{}",
        dict["model"].as_str().unwrap_or_default(),
        optional("UnitTestNodeVersions", versions),
        inputs.join(", "),
        print("UnitTestOutputFixture", &dict["expect"]),
        optional("UnitTestOverrides", dict.get("overrides")),
    );
    for input in given.filter(|input| !input["fixture"].is_null()) {
        state.push('-');
        state.push_str(&python_repr(&input["rows"]));
    }
    sha256_hex(&state)
}

fn print(class: &str, value: &Json) -> String {
    let fields = value.as_object().into_iter().flatten().map(|(key, value)| match value.as_str() {
        Some("csv") if key == "format" => "format=<UnitTestFormat.CSV: 'csv'>".to_owned(),
        Some("dict") if key == "format" => "format=<UnitTestFormat.Dict: 'dict'>".to_owned(),
        Some("sql") if key == "format" => "format=<UnitTestFormat.SQL: 'sql'>".to_owned(),
        _ => format!("{key}={}", python_repr(value)),
    });
    format!("{class}({})", fields.collect::<Vec<_>>().join(", "))
}
