//! Data tests: read from `schema.yml` in dbt's old and new form, and turned into SELECTs whose rows are the failures.

use super::model::{DataTest, Severity};
use super::name::{did_you_mean, quote_identifier, quote_literal};
use super::properties::Reader;
use super::yaml::{Node, Yaml};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A generic test as a property file declares it.
#[derive(Clone, Debug, Default)]
pub(super) struct TestSpec {
    pub kind: String,
    pub name: Option<String>,
    pub column: String,
    pub arguments: BTreeMap<String, Json>,
    pub severity: Severity,
    pub filter: Option<String>,
    pub place: String,
}

/// A kind of test: its arguments, each with whether it must be there.
struct Kind {
    name: &'static str,
    arguments: &'static [(&'static str, bool)],
}

const KINDS: &[Kind] = &[
    Kind { name: "unique", arguments: &[] },
    Kind { name: "not_null", arguments: &[] },
    Kind { name: "accepted_values", arguments: &[("values", true), ("quote", false)] },
    Kind { name: "relationships", arguments: &[("to", true), ("field", true)] },
];

/// Keys that dbt allows under `config:` or, in the old form, beside the arguments.
const SETTINGS: [&str; 2] = ["severity", "where"];

/// Reads one item of `data_tests:`; `column` is that of the column the list stands under, if any.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, owner: &str, column: Option<&str>) -> Option<TestSpec> {
    let bare = Node { line: node.line, value: Yaml::Map(Vec::new()) };
    let (name, line, body) = match &node.value {
        Yaml::Scalar(Json::String(name)) => (name.clone(), node.line, &bare),
        Yaml::Map(entries) if entries.len() == 1 => (entries[0].0.name.clone(), entries[0].0.line, &entries[0].1),
        _ => {
            let hint = "write - unique, or - accepted_values: with its arguments indented below";
            reader.complain(node.line, "", format!("a data test of {owner} is not well-formed"), hint.into());
            return None;
        }
    };
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let hint = did_you_mean(&name, known.iter().copied())
            .unwrap_or_else(|| format!("known tests: {}; write others as SQL under tests/data/", known.join(", ")));
        reader.complain(line, &name, format!("data test \"{name}\" of {owner} does not exist"), hint);
        return None;
    };
    let mut spec = TestSpec {
        kind: name.clone(),
        column: column.unwrap_or_default().to_owned(),
        place: reader.place(line, &name),
        ..TestSpec::default()
    };
    let mut sound = true;
    if !matches!(body.value, Yaml::Null) {
        for (key, value) in reader.map(body, &format!("data test \"{name}\" of {owner}"), &[]) {
            sound &= match key.name.as_str() {
                "arguments" | "config" => {
                    let inner = reader.map(value, &format!("{} of data test \"{name}\"", key.name), &[]);
                    inner.iter().all(|(key, value)| argument(reader, kind, &mut spec, &key.name, key.line, value))
                }
                _ => argument(reader, kind, &mut spec, &key.name, key.line, value),
            };
        }
    }
    let missing = |spec: &TestSpec, name: &str| !spec.arguments.contains_key(name);
    for (argument, _) in kind.arguments.iter().filter(|(name, needed)| sound && *needed && missing(&spec, name)) {
        let message = format!("data test \"{name}\" of {owner} has no \"{argument}\"");
        reader.complain(line, &name, message, format!("add {argument}: under arguments:"));
    }
    sound &= kind.arguments.iter().all(|(name, needed)| !needed || !missing(&spec, name));
    if spec.column.is_empty() {
        let message = format!("data test \"{name}\" of {owner} has no column");
        reader.complain(line, &name, message, "move it under a column, or add column_name:".into());
        sound = false;
    }
    sound.then_some(spec)
}

/// Takes one key of a test; false if it was wrong.
fn argument(reader: &mut Reader<'_>, kind: &Kind, spec: &mut TestSpec, key: &str, line: usize, value: &Node) -> bool {
    let about = format!("data test \"{}\"", kind.name);
    match key {
        "name" => spec.name = reader.text(value, &format!("name of {about}")),
        "column_name" => spec.column = reader.text(value, &format!("column_name of {about}")).unwrap_or_default(),
        "where" => spec.filter = reader.text(value, &format!("where of {about}")),
        "severity" => {
            let word = reader.text(value, &format!("severity of {about}")).unwrap_or_default();
            let Some(severity) = Severity::from_word(&word.to_lowercase()) else {
                reader.complain(
                    line,
                    &word,
                    format!("{about} has unknown severity \"{word}\""),
                    "allowed: error, warn".into(),
                );
                return false;
            };
            spec.severity = severity;
        }
        _ if kind.arguments.iter().any(|(name, _)| *name == key) => {
            let json = value.json();
            let (good, allowed) = match key {
                "values" => (
                    json.as_array().is_some_and(|v| {
                        v.iter().any(|i| !i.is_null()) && !v.iter().any(|i| i.is_array() || i.is_object())
                    }),
                    "a list with at least one value",
                ),
                "quote" => (json.is_boolean(), "true, false"),
                _ => (json.as_str().is_some_and(|t| !t.trim().is_empty()), "text"),
            };
            if !good {
                reader.complain(line, key, format!("{about} has an unusable \"{key}\""), format!("allowed: {allowed}"));
                return false;
            }
            spec.arguments.insert(key.to_owned(), json);
        }
        _ => {
            let known: Vec<&str> =
                kind.arguments.iter().map(|(name, _)| *name).chain(SETTINGS).chain(["name", "column_name"]).collect();
            let hint =
                did_you_mean(key, known.iter().copied()).unwrap_or_else(|| format!("known keys: {}", known.join(", ")));
            reader.complain(line, key, format!("{about} has an unknown key \"{key}\""), hint);
            return false;
        }
    }
    true
}

/// dbt's name of the test: `unique_<model>_<column>`.
pub(super) fn default_name(kind: &str, model: &str, column: &str) -> String {
    let plain: String =
        column.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    format!("{kind}_{model}_{plain}")
}

/// The SELECT of a generic test; its rows are the failures. `relation` and `parent` are quoted relations.
pub(super) fn select(test: &DataTest, relation: &str, filter: Option<&str>, parent: Option<&str>) -> String {
    let column = quote_identifier(test.column.as_deref().unwrap_or_default());
    let tested = match filter {
        Some(filter) => format!("(SELECT * FROM {relation} WHERE {filter}) AS tested"),
        None => format!("{relation} AS tested"),
    };
    match test.kind.as_str() {
        "unique" => format!(
            "SELECT {column}, count(*) AS row_count\nFROM {tested}\nWHERE {column} IS NOT NULL\nGROUP BY {column}\nHAVING count(*) > 1"
        ),
        "accepted_values" => format!(
            "SELECT {column}, count(*) AS row_count\nFROM {tested}\nWHERE {}\nGROUP BY {column}",
            condition(test).unwrap_or_default()
        ),
        "relationships" => {
            let field = quote_identifier(test.arguments.get("field").and_then(Json::as_str).unwrap_or_default());
            let parent = parent.unwrap_or_default();
            format!(
                "SELECT tested.{column}, count(*) AS row_count\nFROM {tested}\nWHERE tested.{column} IS NOT NULL\n  \
                 AND NOT EXISTS (SELECT FROM {parent} AS parent WHERE parent.{field} = tested.{column})\nGROUP BY tested.{column}"
            )
        }
        _ => format!("SELECT *\nFROM {tested}\nWHERE {column} IS NULL"),
    }
}

/// What is true of a row that breaks the rule, of tests that look at each row by itself.
pub(super) fn condition(test: &DataTest) -> Option<String> {
    let column = quote_identifier(test.column.as_deref().unwrap_or_default());
    match test.kind.as_str() {
        "not_null" => Some(format!("{column} IS NULL")),
        "accepted_values" => Some(format!("{column} NOT IN ({})", accepted(test).join(", "))),
        _ => None,
    }
}

/// Values as literals; with `quote: false` they stand as they are written.
fn accepted(test: &DataTest) -> Vec<String> {
    let quoted = test.arguments.get("quote").and_then(Json::as_bool).unwrap_or(true);
    let values = test.arguments.get("values").and_then(Json::as_array);
    let literal = |value: &Json| match value {
        Json::String(text) if quoted => quote_literal(text),
        Json::String(text) => text.clone(),
        other if quoted => quote_literal(&other.to_string()),
        other => other.to_string(),
    };
    // A NULL in the list would make NOT IN true for no row, and NULLs pass the test anyway.
    values.into_iter().flatten().filter(|value| !value.is_null()).map(literal).collect()
}
